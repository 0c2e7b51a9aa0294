import MessageBus
import Messages
import SandboxRuntime
import ServiceKit

extension WorkerNode {
    /// Says at the interval of the configuration that the node is alive, until the task is cancelled.
    func keepBeating(_ intake: any CommandIntake) async {
        while true {
            await self.beat(intake)
            // Nothing but cancellation is thrown.
            do { try await Task.sleep(for: self.configuration.heartbeatInterval) } catch { return }
        }
    }

    /// Tells each partition what the node offers.
    func beat(_ intake: any CommandIntake) async {
        let capabilities = await self.runtime.capabilities()
        var heartbeat = NodeHeartbeat(
            node: self.configuration.nodeID,
            boot: self.boot,
            // Where no sandbox can start nobody shall be sent.
            capacity: capabilities.problem == nil ? self.configuration.capacity : 0
        )
        (heartbeat.sessions, heartbeat.isStopping) = self.table.withLock { table in
            (table.slots.values.count(where: \.machine.isAlive), table.isShutDown)
        }
        heartbeat.address = self.configuration.advertisedURL
        heartbeat.runtime = self.runtime.name
        heartbeat.images = capabilities.images
        for (shape, count) in self.pool.readyCounts { heartbeat.warm[shape.image, default: 0] += count }
        heartbeat.isDraining = intake.isDraining
        let body = Envelope(at: .now(), Event.nodeHeartbeat(heartbeat)).encoded()
        let messages = (0..<self.configuration.partitions).map { partition in
            OutgoingMessage(
                topic: Topics.events,
                key: self.configuration.nodeID.rawValue,
                partition: partition,
                body: body
            )
        }
        await self.publisher.send(messages, durability: .relaxed)
    }

    /// Remembers an operator's wish, and tells everyone.
    func drain(_ isDraining: Bool, _ intake: any CommandIntake) async {
        do {
            try await intake.setDraining(isDraining)
        } catch {
            self.logger.error("A drain cannot be remembered", metadata: [LogKey.error: "\(error)"])
            return
        }
        self.logger.notice(isDraining ? "The node drains" : "The node takes sessions again")
        await self.beat(intake)
    }
}
