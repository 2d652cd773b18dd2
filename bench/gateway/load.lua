-- wrk's side of the gateway benchmark: wrk -s load.lua URL -- CALLERS OPERATIONS UNIQUE
--
-- Every request carries the next of the header lines in file CALLERS and goes to the next of OPERATIONS operations. With UNIQUE = 1 its last
-- segment was never seen before; with 0 the requests are made in advance, so that the client costs as little as possible.
local requests, callers, heads = {}, {}, {}
local n, operations, unique = 0, 1, false

function init(args)
	for line in io.lines(args[1]) do
		callers[#callers + 1] = line .. "\r\n\r\n"
	end
	operations = tonumber(args[2])
	unique = args[3] == "1"
	for i = 0, operations - 1 do
		heads[i] = "GET /bench/v1/r" .. i .. "/items/"
	end
	local host = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
	for i = 1, #callers do
		if unique then
			callers[i] = host .. callers[i]
		else
			requests[i] = heads[i % operations] .. i .. host .. callers[i]
		end
	end
end

function request()
	n = n + 1
	if unique then
		return heads[n % operations] .. n .. callers[n % #callers + 1]
	end
	return requests[n % #requests + 1]
end

function done(summary, latency)
	local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
	io.write(string.format("figures %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.errors.status, failed,
		latency:percentile(50), latency:percentile(99)))
end
