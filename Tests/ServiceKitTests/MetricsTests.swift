import ServiceKit
import Testing

@Suite struct MetricsTests {
    @Test func rendersAsPrometheusReads() {
        let registry = MetricsRegistry()
        let done = registry.counter("jobs_total", help: "Jobs\nended", labels: ["outcome": "done", "a": "q\"\\\n"])
        registry.counter("jobs_total", help: "Jobs", labels: ["outcome": "failed"]).increment(by: 2)
        done.increment()
        let gauge = registry.gauge("busy_slots", help: "Slots in use")
        gauge.set(2)
        gauge.add(-0.5)
        registry.gauge("uptime_seconds", help: "Age") { 12 }
        let histogram = registry.histogram(
            "run_seconds",
            help: "Time",
            labels: ["language": "python"],
            buckets: [0.25, 1]
        )
        for value in [0.125, 0.25, 0.5, 2] { histogram.observe(value) }
        histogram.observe(.milliseconds(125))
        #expect(
            registry.render() == """
                # HELP busy_slots Slots in use
                # TYPE busy_slots gauge
                busy_slots 1.5
                # HELP jobs_total Jobs\\nended
                # TYPE jobs_total counter
                jobs_total{a="q\\"\\\\\\n",outcome="done"} 1
                jobs_total{outcome="failed"} 2
                # HELP run_seconds Time
                # TYPE run_seconds histogram
                run_seconds_bucket{language="python",le="0.25"} 3
                run_seconds_bucket{language="python",le="1"} 4
                run_seconds_bucket{language="python",le="+Inf"} 5
                run_seconds_sum{language="python"} 3
                run_seconds_count{language="python"} 5
                # HELP uptime_seconds Age
                # TYPE uptime_seconds gauge
                uptime_seconds 12

                """
        )
    }

    @Test func losesNothingFromManyTasks() async {
        let registry = MetricsRegistry()
        let counter = registry.counter("a_total", help: "")
        let gauge = registry.gauge("b", help: "")
        let histogram = registry.histogram("c_seconds", help: "", buckets: [1])
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    for _ in 0..<5000 {
                        counter.increment()
                        gauge.add(0.5)
                        histogram.observe(2.0)
                    }
                }
            }
        }
        #expect(counter.value == 40000)
        #expect(gauge.value == 20000)
        #expect(histogram.count == 40000)
        #expect(registry.render().contains("c_seconds_sum 80000\n"))
    }

    @Test func theSameMetricTwiceIsABug() async {
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.counter("a_total", help: "")
            _ = registry.counter("a_total", help: "")
        }
    }

    @Test func anotherKindUnderTheSameNameIsABug() async {
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.counter("a_total", help: "")
            _ = registry.gauge("a_total", help: "", labels: ["a": "b"])
        }
    }
}
