-- Sends the same kind of request over and over. Arguments: METHOD PATHS-FILE [BODY-FILE]; a path is chosen at random.
local paths, body, method, headers = {}, nil, "GET", {}

function init(args)
   method = args[1]
   for line in io.lines(args[2]) do paths[#paths + 1] = line end
   if args[3] then
      local file = io.open(args[3], "rb")
      body = file:read("*a")
      file:close()
      headers["Content-Type"] = "application/json"
   end
   math.randomseed(42)
end

function request()
   return wrk.format(method, paths[math.random(#paths)], headers, body)
end

local bad = 0
function response(status)
   if status >= 300 then bad = bad + 1 end
end

function done(summary, latency)
   local failed = summary.errors.status + summary.errors.timeout + summary.errors.connect + summary.errors.read
   print(string.format(
      "RESULT %d %d %.0f %.0f %.0f %.0f %d", summary.requests, summary.duration, latency.min, latency:percentile(50),
      latency:percentile(99), latency.max, failed))
end
