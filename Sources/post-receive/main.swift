import ReleaseCommands

await ReleaseProgram.main()
