import Testing

/// Everything that runs real executables. One after another: a test that counts on moments does not share the processor
/// with the next one's server.
@Suite(.serialized) enum RealProcesses {}
