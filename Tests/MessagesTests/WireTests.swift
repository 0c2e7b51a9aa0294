import Messages
import Testing

@Suite struct WireTests {
    @Test(arguments: Samples.commands) func commandsComeBackAsTheyWere(_ command: Command) throws {
        let record = Envelope(at: Samples.moment, command)
        #expect(try Envelope<Command>(decoding: record.encoded()) == record)
    }

    @Test(arguments: Samples.nodeCommands) func nodeCommandsComeBackAsTheyWere(_ command: NodeCommand) throws {
        let record = Envelope(at: Samples.moment, command)
        #expect(try Envelope<NodeCommand>(decoding: record.encoded()) == record)
    }

    @Test(arguments: Samples.events) func eventsComeBackAsTheyWere(_ event: Event) throws {
        let record = Envelope(at: Samples.moment, event)
        #expect(try Envelope<Event>(decoding: record.encoded()) == record)
    }

    @Test(arguments: Samples.states) func statesComeBackAsTheyWere(_ state: StateRecord) throws {
        let record = Envelope(at: Samples.moment, state)
        #expect(try Envelope<StateRecord>(decoding: record.encoded()) == record)
        #expect(StateKey(state.key.text) == state.key)
    }

    @Test func fieldsOfANewerWriterAreSkipped() throws {
        var writer = WireWriter()
        writer.string(900, "unknown text")
        writer.int(901, 7)
        Problem("a", "b").encode(to: &writer)
        writer.message(902, Problem("c", "d"))
        #expect(try Problem(decoding: writer.bytes) == Problem("a", "b"))
        // Fixed-width fields, which we never write.
        let fixed: [UInt8] = [9 << 3 | 1, 1, 2, 3, 4, 5, 6, 7, 8, 10 << 3 | 5, 1, 2, 3, 4]
        #expect(try Problem(decoding: fixed + writer.bytes) == Problem("a", "b"))
    }

    @Test func aNewerSchemaIsRefusedByName() {
        var writer = WireWriter()
        writer.int(1, 2)
        writer.message(4, Command.reconcile)
        #expect { try Envelope<Command>(decoding: writer.bytes) } throws: {
            ($0 as? MessageError)?.code == .newerSchema
        }
    }

    @Test func aCommandThatIsNotKnownIsRefusedByName() {
        var writer = WireWriter()
        writer.int(1, 1)
        writer.message(4, Problem("", ""))
        #expect { try Envelope<Command>(decoding: writer.bytes) } throws: {
            ($0 as? MessageError)?.code == .unknownKind
        }
    }

    /// Whatever is cut off or turned over is read or refused; nothing traps.
    @Test(arguments: Samples.states) func damagedBytesNeverTrap(_ state: StateRecord) {
        let bytes = Envelope(at: Samples.moment, state).encoded()
        var refused = 0
        for end in bytes.indices where (try? Envelope<StateRecord>(decoding: Array(bytes[..<end]))) == nil {
            refused += 1
        }
        #expect(refused > 0)
        for position in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << bit
                _ = try? Envelope<StateRecord>(decoding: damaged)
            }
        }
    }

    @Test func equalMapsHaveEqualBytes() {
        let keys = (0..<50).map { "k\($0)" }
        func bytes(_ keys: [String]) -> [UInt8] {
            var writer = WireWriter()
            writer.map(1, Dictionary(uniqueKeysWithValues: keys.map { ($0, "v") }))
            return writer.bytes
        }
        #expect(bytes(keys) == bytes(keys.reversed()))
    }
}
