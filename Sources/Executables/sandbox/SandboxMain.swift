@main enum SandboxMain { static func main() {} }
