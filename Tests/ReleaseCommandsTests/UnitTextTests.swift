import ReleaseModel
import Testing

@testable import ReleaseCommands

@Suite("DotenvFile")
struct UnitDotenvTests {
    private func parse(_ text: String) throws -> [String: String] {
        var result: [String: String] = [:]
        for (key, value) in try DotenvFile.parse(text, name: ".env") { result[key.text] = value }
        return result
    }

    @Test(
        "A line is a key and a value",
        arguments: [
            ("A=1", "1"), ("A=1\n", "1"), ("export A=1", "1"), ("  A = 1  ", "1"), ("\tA=1\t", "1"), ("A=", ""),
            ("A= ", ""),
            ("A=a=b", "a=b"), ("A=two words", "two words"), ("A=$B ${C}", "$B ${C}"), ("A=é", "é"), ("A=\\n", "\\n"),
            ("A=it's", "it's"), ("A=\r\n", ""), ("A=1\r\n", "1"),
        ])
    func plain(_ text: String, _ value: String) throws { #expect(try parse(text) == ["A": value]) }

    @Test(
        "Quotes keep spaces, signs and newlines; only double ones have escapes",
        arguments: [
            (#"A="x y ""#, "x y "), (#"A='x y '"#, "x y "), (#"A="a\nb\tc\r\"\\\$""#, "a\nb\tc\r\"\\$"),
            (#"A="\x\'""#, #"\x\'"#),
            (#"A='a\nb"$'"#, #"a\nb"$"#), ("A=\"a\nb\n\"", "a\nb\n"), ("A='a\nb'", "a\nb"), ("A=\"a\r\nb\"", "a\nb"),
            (#"A="""#, ""), ("A=''", ""), (#"A="x" # why"#, "x"), (#"A="x"   "#, "x"), (#"A="a # b""#, "a # b"),
            ("A='#'", "#"),
        ])
    func quotes(_ text: String, _ value: String) throws { #expect(try parse(text) == ["A": value]) }

    @Test(
        "A comment begins a line, or stands behind a space",
        arguments: [
            ("# why\nA=1", "1"), ("  # A=2\n\n\nA=1\n#", "1"), ("A=1 # why", "1"), ("A=1\t# why", "1"),
            ("A=1#2", "1#2"),
            ("A= # why", ""), ("A=#1", "#1"), ("A=a b#c # d # e", "a b#c"),
        ])
    func comments(_ text: String, _ value: String) throws { #expect(try parse(text) == ["A": value]) }

    @Test("A file has many keys, the last of a name counts, and an empty file has none")
    func several() throws {
        #expect(try parse("A=1\nB='2\n3'\nexport C=\"4\"\r\n\r\nA=5") == ["A": "5", "B": "2\n3", "C": "4"])
        #expect(try parse("") == [:])
        #expect(try parse("\n \n# nothing\n") == [:])
    }

    @Test(
        "What is wrong is told with its line",
        arguments: [
            ("A", 1, "a line without “=”"), ("A=1\n\nnonsense\nB=2", 3, "a line without “=”"),
            ("A=1\nB=\"x\ny", 2, "a quote that is not closed"), ("A=1\nB='x", 2, "a quote that is not closed"),
            ("A=\"x\" y", 1, "text behind the closing quote"), ("A=\"x\ny\" z", 2, "text behind the closing quote"),
            (#"A="x\ny\nz""# + "\nB", 2, "a line without “=”"), ("A=\"x\\\ny\"\nB", 3, "a line without “=”"),
        ])
    func errors(_ text: String, _ line: Int, _ problem: String) {
        let error = #expect(throws: EnvironmentError.self) { try parse(text) }
        #expect(error?.description == ".env:\(line): \(problem)")
    }

    @Test(
        "A24: what is no key is refused with its line",
        arguments: ["1A=x", "A B=x", "A-B=x", "=x", "Ä=x", "A\u{0}=x", "export =x", "A\rB=x", "$A=x"])
    func keys(_ text: String) {
        let error = #expect(throws: EnvironmentError.self) { try parse("OK=1\n" + text) }
        #expect(error?.description.hasPrefix(".env:2: ") == true)
    }
}

@Suite("HostSetup.address and Moment")
struct UnitAddressTests {
    @Test(
        "A port, or an address and a port",
        arguments: [
            ("80", "0.0.0.0", 80), ("8080", "0.0.0.0", 8080), ("65535", "0.0.0.0", 65535),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("10.0.255.3:8080", "10.0.255.3", 8080),
        ])
    func address(_ text: String, _ address: String, _ port: Int) throws {
        let read = try HostSetup.address(text)
        #expect(read.0 == address && read.1 == port)
    }

    @Test(
        "A22: everything else is refused",
        arguments: [
            "", "0", "65536", "-1", "+80", "080", "80 ", " 80", "x", ":80", "80:", "localhost:80", "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:+80", "127.0.0:80", "127.0.0.1.2:80", "256.0.0.1:80", "+1.0.0.1:80", "01.0.0.1:80", "1..2.3:80",
            "[::1]:80", "::1", "1.2.3.4:80:90", "0.0.0.0:80;", "0.0.0.0:80 default", "٨٠", "1e3", "0x50",
        ])
    func refused(_ text: String) {
        let error = #expect(throws: CreateError.self) { try HostSetup.address(text) }
        #expect(error?.outcome == .usage)
    }
}
