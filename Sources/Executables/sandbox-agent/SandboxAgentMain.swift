@main enum SandboxAgentMain { static func main() {} }
