-- For every request: the backend learns who calls, and nothing else about the token.
request.headers["X-Caller"] = request.claims.sub or "nobody"
