import SiteControl

await RootProgram.main()
