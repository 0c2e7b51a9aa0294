import MessageBus
import Messages
import SandboxRuntime
import ServiceKit

extension WorkerNode {
    /// Reports at the interval of the configuration, and looks for what nobody knows, until the task is cancelled.
    ///
    /// - Parameter doomed: Folders that were found before anything else began.
    func keepReporting(removing doomed: [String]) async {
        await self.reap(doomed)
        while true {
            // Nothing but cancellation is thrown.
            do { try await Task.sleep(for: self.configuration.reportInterval) } catch { return }
            await self.reportAndReap()
        }
    }

    func reportAndReap() async {
        await self.publishReport(isFirst: false)
        await self.stopUnclaimed()
        await self.reap(await self.findDoomedFolders(isFirst: false))
    }

    /// Tells each partition what the node has of its sessions.
    func publishReport(isFirst: Bool) async {
        let count = self.configuration.partitions
        let blank = NodeReport(
            node: self.configuration.nodeID,
            boot: self.boot,
            isFirst: isFirst,
            capacity: self.configuration.capacity
        )
        var reports = [NodeReport](repeating: blank, count: count)
        let (sessions, executions) = self.table.withLock { table in
            (table.slots.values.filter(\.machine.isAlive).map(\.reference), table.orders.values.map(\.reference))
        }
        for session in sessions {
            reports[Partitioner.partition(of: session.session.rawValue, count: count)].sessions.append(session)
        }
        for execution in executions {
            reports[Partitioner.partition(of: execution.session.rawValue, count: count)].executions.append(execution)
        }
        let now = Timestamp.now()
        let messages = reports.enumerated().map { partition, report in
            OutgoingMessage(
                topic: Topics.events,
                key: self.configuration.nodeID.rawValue,
                partition: partition,
                body: Envelope(at: now, Event.nodeReport(report)).encoded()
            )
        }
        await self.publisher.send(messages, durability: .relaxed)
    }

    /// The folders that belong to nobody. What merely could not be looked at is left alone.
    ///
    /// - Parameter isFirst: At boot, before the pool or a session can have a folder.
    func findDoomedFolders(isFirst: Bool) async -> [String] {
        let listing: SandboxFolders.Listing
        do { listing = try await self.folders.list() } catch {
            self.logger.warning("The sandboxes' folders cannot be listed", metadata: [LogKey.error: "\(error)"])
            return []
        }
        let recovered = self.recoveredNames
        let owned = self.table.withLock { $0.ownedContainers }
        return self.reaper.withLock { reaper in
            reaper.inspect(
                listing,
                isFirst: isFirst,
                isDispatcherHeard: self.isDispatcherHeard,
                now: .now,
                isKnown: { owned.contains(ContainerID($0)) || recovered.contains($0) || self.pool.owns($0) }
            )
        }
    }

    private var recoveredNames: Set<String> { Set(self.recovered.withLock { $0.keys.map(\.rawValue) }) }

    /// Stops sandboxes that ran on while we did not and that nobody has asked for in all the grace. Their folders are
    /// unknown from now on.
    private func stopUnclaimed() async {
        guard self.isDispatcherHeard, Timestamp.now() - self.bootedAt >= self.configuration.reaperGrace else { return }
        let unclaimed = self.recovered.withLock { recovered in
            defer { recovered = [:] }
            return recovered
        }
        for (container, sandbox) in unclaimed {
            await sandbox.stop()
            self.metrics.reaped.increment()
            self.logger.info("Stopped a sandbox that nobody knows", metadata: [LogKey.container: "\(container)"])
        }
    }

    /// Removes the folders, and whatever else of ours on this host belongs to nobody.
    func reap(_ doomed: [String]) async {
        for name in doomed {
            let container = ContainerID(name)
            // A session may have come for it meanwhile.
            guard self.table.withLock({ $0.seize(container, for: self.boot) }) else { continue }
            await self.removeFolder(container)
            self.table.withLock { $0.release(container) }
            self.metrics.reaped.increment()
            self.logger.info("Removed a folder that nobody knows", metadata: [LogKey.container: name])
        }
        let owned = self.table.withLock { $0.ownedContainers }.map(\.rawValue)
        let known = (owned + self.recoveredNames + self.pool.containers).compactMap { name in
            // Names that cannot be a sandbox's belong to none.
            try? SandboxID(name)
        }
        let leftovers = await self.runtime.removeLeftovers(keeping: Set(known))
        let count = leftovers.processesKilled + leftovers.groupsRemoved
        if count > 0 {
            self.metrics.reaped.increment(by: UInt64(count))
            self.logger.info("Removed leftovers of sandboxes", metadata: [LogKey.count: "\(count)"])
        }
        for failure in leftovers.failures {
            self.logger.warning("A leftover cannot be removed", metadata: [LogKey.reason: failure])
        }
    }
}
