import Testing

@testable import HTTPServer

@Suite struct LingererTests {
    private typealias Client = Lingerer.Client

    @Test func whoFallsSilentHasHadItsTime() {
        var client = Client(descriptor: 0, now: 1000)
        #expect(client.deadline == 1000 + Client.silence)
        let goesOn = client.heard(10, now: 2000)
        #expect(goesOn)
        #expect(client.deadline == 2000 + Client.silence)
    }

    @Test func nobodyGoesOnForEver() {
        var client = Client(descriptor: 0, now: 0)
        let goesOn = client.heard(1, now: Client.patience - 1)
        #expect(goesOn && client.deadline == Client.patience)
        let goesOnForEver = client.heard(1, now: Client.patience)
        #expect(!goesOnForEver)
    }

    @Test func nobodySendsWithoutEnd() {
        var client = Client(descriptor: 0, now: 0)
        let maySend = client.heard(Client.allowance - 1, now: 1)
        let maySendMore = client.heard(1, now: 2)
        #expect(maySend && !maySendMore)
    }
}
