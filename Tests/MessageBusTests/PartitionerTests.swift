import MessageBus
import Testing

@Suite struct PartitionerTests {
    /// The vectors of Kafka's own `UtilsTest.testMurmur2`, as hashes modulo 2^31 and as partitions of 7.
    @Test(arguments: [
        ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ])
    func agreesWithKafka(_ key: String, _ hash: Int32) {
        for count in [1, 2, 7, 16, Int(Int32.max)] {
            #expect(Partitioner.partition(of: key, count: count) == Int(hash & 0x7fff_ffff) % count)
        }
    }
}
