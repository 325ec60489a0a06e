import ReleaseModel
import Testing

@Suite("A public key is read as ssh-keygen writes it")
struct PublicKeyTests {
    @Test("of each type that sshd takes", arguments: [Sample.ed25519, Sample.ecdsa, Sample.ecdsa521, Sample.rsa])
    func types(_ line: String) throws {
        for text in [line, line + "\n", line + " ada@example.org, her laptop\n"] {
            let key = try PublicKey(Array(text.utf8))
            #expect("\(key.type) \(key.blob)" == line)
            #expect(key.comment == (text.contains("ada") ? "ada@example.org, her laptop" : ""))
        }
    }

    @Test(
        "A32: options, two keys, line ends and what is no key are refused",
        arguments: [
            "", "\n", " ", Sample.ed25519 + "\n" + Sample.ecdsa, Sample.ed25519 + "\n\n", "\n" + Sample.ed25519,
            Sample.ed25519 + "\r\n", Sample.ed25519 + "\r", "command=\"sh\" " + Sample.ed25519,
            "restrict " + Sample.ed25519, "no-pty," + Sample.ed25519, " " + Sample.ed25519, "\t" + Sample.ed25519,
            "# " + Sample.ed25519, Sample.ed25519 + " a\tb", Sample.ed25519 + " \u{1b}[2J", Sample.ed25519 + " é",
            Sample.ed25519 + " a\u{0}b", String(Sample.ed25519.dropLast(4)), Sample.ed25519 + "AAAA",
            Sample.ed25519.replacing("ssh-ed25519", with: "ssh-rsa"),
            Sample.ed25519.replacing("ssh-ed25519", with: "ssh-dss"), "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 =",
            "ssh-ed25519  " + Sample.ed25519.dropFirst(12), "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n", String(repeating: "a", count: 20_000),
        ])
    func refused(_ text: String) {
        let error = #expect(throws: InvalidValue.self) { try PublicKey(Array(text.utf8)) }
        #expect(error?.description.contains("\n") == false && error?.hint?.contains("key add") == true)
    }

    @Test("RSA of fewer than 2,048 bits is refused with its length")
    func shortRSA() {
        let error = #expect(throws: InvalidValue.self) { try PublicKey(Array(Sample.shortRSA.utf8)) }
        #expect(error?.rule.contains("1024 bits") == true)
    }

    @Test("A date ends with its day, in UTC")
    func dates() throws {
        #expect(try ExpiryDate("2027-01-31").end == 1_801_440_000)
        #expect(try ExpiryDate("2028-02-29").end == 1_835_481_600)
        for text in ["2027-02-29", "2027-13-01", "2027-1-1", "27-01-01", "2027-01-00", "tomorrow", "", "2027-01-01Z"] {
            #expect(throws: InvalidValue.self) { try ExpiryDate(text) }
        }
    }

    @Test("Rights are a list of words, each once, in their order")
    func rights() throws {
        #expect(try KeyRight.list("operate,push,push") == [.push, .operate])
        for text in ["", "push,", "all", "push read", "PUSH"] {
            #expect(throws: InvalidValue.self) { try KeyRight.list(text) }
        }
    }

    enum Sample {
        static let ed25519 =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEBe4r+yMuZOoWQ2CIwCUt86oySsIVeoshB9+3PRWzlF"
        static let ecdsa = """
            ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDilAAQ7yqgTSXLH4MvbutrjFQ4kXurut22n/tpkaw5PcrhP\
            BEIaYMlH5oGQjO1UTbUfqq66gk7Fxw5H268OAuI=
            """
        static let ecdsa521 = """
            ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAFFEgY2md3xk45haSx+T32oorrGiwfDNId/jMxwMTLwl2lR\
            QYarC88NBLqcLhsaOjf2q8eOTGL2lv+HGz+gQhgi2AARFiCpv+S9NEDz65UGYg2I/oChkuQwOmy4ZAjvFlo3LFGRQQU5h0+uJ+Ss\
            p0navrBozry8zFoZ4sft+TAcGxDVTA==
            """
        static let rsa = """
            ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCltgZfmUeInh2X4wMTUc00mD+74+IJ6QA2OxX3aBHEkpXhoCwnys/CcgJqFSjfoXYp2KSF\
            mnOG5ogYRx8zqb81ZstdOchB5zAtej5xNJqg/499HwXDwzx4kJlGnx19H6Ko7JYB5kIqSVIs/2ialDaauqI7OciR8g85KjEpBXLs\
            ck6nk16HLsH8uOQNCZlIcJpATF3jNdlEwQM4ZcicywHt46Ags2OhxJS1YiUhDi/8KZA7xnlCzMjCEE3u9bFltc1YMpwLPB4diZCh\
            ZPLljqerVw+YneimS2jGg/0HG2ynERi8uJ2mv3L+S+SDlWJEzWfYTmsrrzxBmJXDtGZgQX4/
            """
        static let shortRSA = """
            ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCfaUPyqh4+Xy4ci3tfM7Xf3Nl+NkzRuFtGkeLrjZsPzvCRfOMRO6KotkoLu3us/n5Q0Qan\
            3MGh3d7Wk1xlwJlNk2eSlqQoF8ekDsQt7aA9c9Ig5Cm/YJHVgObU2slnA/IPvb/qz9tBU8RuDzK6bF/JO7nMfapyvj5h9W9cumLH\
            Fw==
            """
    }
}
