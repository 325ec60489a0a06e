// ReleaseStore
