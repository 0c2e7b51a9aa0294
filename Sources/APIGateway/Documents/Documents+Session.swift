import JSON
import Messages

extension Documents {
    func write(_ session: Session, to writer: inout JSONWriter) {
        let spec = session.spec
        writer.beginObject()
        writer.field("id", spec.id.rawValue)
        writer.field("template_id", spec.templateID.rawValue)
        writer.field("status", session.status.name)
        writer.object("resource_limit") { writer in
            writer.field("cpu", spec.resources.cpu)
            writer.field("memory", spec.resources.memory)
            writer.field("disk", spec.resources.disk)
            writer.field("max_processes", spec.resources.maxProcesses)
        }
        writer.field("workspace_path", "/workspace")
        writer.field("language_runtime", spec.runtime.language)
        writer.field("runtime_type", spec.runtime.name)
        writer.field("runtime_node", session.node?.rawValue)
        writer.field("container_id", session.container?.rawValue)
        writer.field("pod_name", String?.none)
        writer.field("env_vars", spec.environment)
        writer.field("timeout", spec.timeoutSeconds)
        self.writeDependencies(of: session, to: &writer)
        writer.field("created_at", spec.createdAt.description)
        writer.field("updated_at", session.updatedAt.description)
        writer.field("completed_at", session.completedAt?.description)
        writer.field("last_activity_at", session.lastActivityAt.description)
        writer.key("error")
        if let problem = session.problem {
            writer.object { writer in
                writer.field("code", problem.code)
                writer.field("message", problem.message)
            }
        } else {
            writer.null()
        }
        writer.endObject()
    }

    private func writeDependencies(of session: Session, to writer: inout JSONWriter) {
        let request = session.spec.dependencies
        let state = session.dependencies
        writer.field("python_package_index_url", request.indexURL.isEmpty ? self.packageIndexURL : request.indexURL)
        writer.array("requested_dependencies", request.dependencies) { writer, dependency in
            writer.object { writer in
                writer.field("name", dependency.name)
                writer.field("version", dependency.version)
            }
        }
        writer.array("installed_dependencies", state.installed) { writer, dependency in
            writer.object { writer in
                writer.field("name", dependency.name)
                writer.field("version", dependency.version)
                writer.field("install_location", dependency.location)
                writer.field("install_time", dependency.installedAt.description)
                writer.field("is_from_template", dependency.isFromTemplate)
            }
        }
        writer.field("dependency_install_status", state.status.name)
        writer.field("dependency_install_error", state.errorMessage)
        writer.field("dependency_install_started_at", state.startedAt?.description)
        writer.field("dependency_install_completed_at", state.completedAt?.description)
    }

    /// The answer to a list of sessions.
    func list(_ items: [Session], total: Int, limit: Int, offset: Int) -> [UInt8] {
        var writer = JSONWriter(reserving: 256 + 1024 * items.count)
        writer.beginObject()
        writer.array("items", items) { writer, session in self.write(session, to: &writer) }
        writer.field("total", total)
        writer.field("limit", limit)
        writer.field("offset", offset)
        writer.field("has_more", items.count < total && offset < total - items.count)
        writer.endObject()
        return writer.bytes
    }
}
