import HTTPServer
import Testing

@Suite struct HTTPRequestTests {
    @Test(arguments: [
        ("a=1", ["1"]), ("b=1", []), ("a=1&b=2&a=3", ["1", "3"]), ("a", [""]), ("a=", [""]), ("a=b=c", ["b=c"]),
        ("a=x+y%2B%20z", ["x y+ z"]), ("%61=1", ["1"]), ("&&a=1&", ["1"]), ("", []), ("a=%C3%A9", ["é"]), ("A=1", []),
    ])
    func readsQueries(_ query: String, _ values: [String]) {
        #expect(HTTPRequest(.get, "/p?\(query)").query("a") == values)
    }

    @Test func keepsTheQueryOutOfThePath() {
        let request = HTTPRequest(.get, "/a/b?c=/d?e")
        #expect(request.rawPath == "/a/b")
        #expect(request.rawQuery == "c=/d?e")
        #expect(HTTPRequest(.get, "/a").rawQuery == "")
    }

    @Test func findsHeadersWhateverTheirCase() {
        let request = HTTPRequest(
            .get,
            "/",
            headers: [HTTPHeader("X-One", " 1\t"), HTTPHeader("x-one", "2"), HTTPHeader("X-On", "3")]
        )
        #expect(request.header("X-ONE") == "1")
        #expect(request.headerValues("x-one") == ["1", "2"])
        #expect(request.header("X-Onee") == nil)
        #expect(request.headers.map(\.value) == ["1", "2", "3"])
    }
}
