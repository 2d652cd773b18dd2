-- A pet's number is a number. Everything else is answered here; the backend is not asked.
local parts = request.path:split("/")
if not tonumber(parts[#parts]) then
  return {
    status = 400,
    headers = { ["Content-Type"] = "application/json" },
    body = '{"error":"a pet has a number"}',
  }
end
