-- wrk's side of the gateway benchmark: wrk -s load.lua URL -- TOKENS OPERATIONS UNIQUE
--
-- Every request carries the next of the tokens in file TOKENS and goes to the next of OPERATIONS operations. With UNIQUE = 1 its last
-- segment was never seen before; with 0 the requests are made in advance, so that the client costs as little as possible.
local requests, tokens, heads = {}, {}, {}
local n, operations, unique = 0, 1, false

function init(args)
	for token in io.lines(args[1]) do
		tokens[#tokens + 1] = "Authorization: Bearer " .. token .. "\r\n\r\n"
	end
	operations = tonumber(args[2])
	unique = args[3] == "1"
	for i = 0, operations - 1 do
		heads[i] = "GET /bench/v1/r" .. i .. "/items/"
	end
	local host = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
	for i = 1, #tokens do
		if unique then
			tokens[i] = host .. tokens[i]
		else
			requests[i] = heads[i % operations] .. i .. host .. tokens[i]
		end
	end
end

function request()
	n = n + 1
	if unique then
		return heads[n % operations] .. n .. tokens[n % #tokens + 1]
	end
	return requests[n % #requests + 1]
end

function done(summary, latency)
	local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
	io.write(string.format("figures %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.errors.status, failed,
		latency:percentile(50), latency:percentile(99)))
end
