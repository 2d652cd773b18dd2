-- Routes, tokens, scopes and limits in Lua. A token's claims are read once and kept; times and scopes are judged each time.
local cjson = require "cjson.safe"
local digest = require "openssl.digest"
local pkey = require "openssl.pkey"
local tokens = require("resty.lrucache").new(10000)

local ISSUER, AUDIENCE, SKEW, HOUR = "@ISSUER@", "@AUDIENCE@", 60, 3600
local API, VERSION, BASE = "Bench", "v1", "/bench/v1"
local NEVER = 2000000000
local key = pkey.new(io.open("/bench/nginx/key.pub"):read("*a"))
local counters = ngx.shared.counters

-- segment -> node; "*" is a parameter; here = operations by method
local routes = {
	r0 = {items = {["*"] = {here = {GET = {id = "get0", limit = NEVER, scopes = {"default"}}}}}},
	few = {items = {["*"] = {here = {GET = {id = "few", limit = 5, scopes = {"default"}}}}}},
}

local function find(path)
	local node = routes
	for segment in path:sub(#BASE + 1):gmatch("[^/]+") do
		node = node[segment] or node["*"]
		if not node then return nil end
	end
	return node.here
end

local function refuse(status, code)
	ngx.status = status
	ngx.header.content_type = "application/json"
	ngx.print('{"fault":{"code":', code, '}}')
	return ngx.exit(status)
end

local function decode(text)
	return ngx.decode_base64((text:gsub("-", "+"):gsub("_", "/"):gsub("=", "") .. ("="):rep(-#text % 4)))
end

local function is_text(v) return type(v) == "string" and v or "" end

local function contains(list, text)
	if type(list) ~= "table" then return list == text end
	for _, v in ipairs(list) do if v == text then return true end end
	return false
end

local function read(token)
	local head, payload, signature = token:match("^([^.]+)%.([^.]+)%.([^.]+)$")
	if not head then return nil end
	local header = cjson.decode(decode(head) or "")
	if type(header) ~= "table" or header.alg ~= "RS256" then return nil end
	signature = decode(signature)
	if not signature or not key:verify(signature, digest.new("sha256"):update(head, ".", payload)) then return nil end
	local c = cjson.decode(decode(payload) or "")
	if type(c) ~= "table" or c.iss ~= ISSUER or not contains(c.aud, AUDIENCE) then return nil end
	if c.exp ~= nil and (type(c.exp) ~= "number" or c.exp % 1 ~= 0) then return nil end
	if c.nbf ~= nil and (type(c.nbf) ~= "number" or c.nbf % 1 ~= 0) then return nil end
	local known = {exp = c.exp, nbf = c.nbf, scopes = {}, app = "__unknown__"}
	for scope in is_text(c.scope):gmatch("%S+") do known.scopes[scope] = true end
	if type(c.application) == "table" and c.application.id then known.app = tostring(c.application.id) end
	if type(c.subscribedAPIs) == "table" then
		for _, s in ipairs(c.subscribedAPIs) do
			if s.name == API and s.version == VERSION then known.tier = is_text(s.subscriptionTier) end
		end
	end
	known.subscription = "s:" .. known.app .. "|" .. BASE .. "|" .. VERSION
	known.application = "a:" .. known.app .. "|" .. is_text(c.sub)
	return known
end

-- All levels are looked at first, then all count. A key carries its window's number.
local function admit(operation, token, now)
	local window = ":" .. math.floor(now / HOUR)
	local o, s, a = "o:" .. operation.id .. window, token.subscription .. window, token.application .. window
	if (counters:get(o) or 0) >= operation.limit then return 900802 end
	if (counters:get(s) or 0) >= NEVER then return 900804 end
	if (counters:get(a) or 0) >= NEVER then return 900803 end
	counters:incr(o, 1, 0, HOUR)
	counters:incr(s, 1, 0, HOUR)
	counters:incr(a, 1, 0, HOUR)
	return nil
end

local function decide()
	local raw = ngx.var.request_uri
	if ngx.re.find(raw, [[%2f|%5c|%00|;|/\.\.?(/|$)]], "ijo") then return refuse(400, 400) end
	local methods = find(ngx.var.uri)
	if not methods then return refuse(404, 404) end
	local operation = methods[ngx.req.get_method()]
	if not operation then return refuse(405, 405) end
	ngx.var.api, ngx.var.operation = API, operation.id
	local sent = ngx.var.http_authorization
	if not sent or sent == "" then return refuse(401, 900902) end
	if #sent < 8 or sent:sub(1, 7):lower() ~= "bearer " then return refuse(401, 900917) end
	local text = sent:sub(8)
	local token = tokens:get(text)
	if not token then
		token = read(text)
		if not token then return refuse(401, 900901) end
		tokens:set(text, token)
	end
	local now = ngx.time()
	if token.exp and token.exp + SKEW <= now then return refuse(401, 900901) end
	if token.nbf and token.nbf - SKEW > now then return refuse(401, 900901) end
	local allowed = false
	for _, scope in ipairs(operation.scopes) do allowed = allowed or token.scopes[scope] end
	if not allowed then return refuse(403, 900910) end
	ngx.var.application = token.app
	local code = admit(operation, token, now)
	if code then return refuse(429, code) end
end

-- What a metrics page would show: by operation and class of status, and by duration. Of one worker, so that it costs little.
local BOUNDS = {0.001, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, math.huge}
local requests, durations = {}, {}

local function count()
	local operation, class = ngx.var.operation, math.floor(ngx.status / 100)
	local of = requests[operation]
	if not of then of = {}; requests[operation] = of end
	of[class] = (of[class] or 0) + 1
	local took, i = ngx.now() - ngx.req.start_time(), 1
	while took > BOUNDS[i] do i = i + 1 end
	durations[i] = (durations[i] or 0) + 1
end

return {decide = decide, count = count}
