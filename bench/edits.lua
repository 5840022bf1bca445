-- wrk: every request edits the next of some campaigns, under an Idempotency-Key of its own.
-- Arguments: the beginning of all keys, the access token, and the campaigns' ids.

local prefix, token, ids, sent = "", "", {}, 0

function init(arguments)
   prefix, token = arguments[1], arguments[2]
   for place = 3, #arguments do
      ids[#ids + 1] = arguments[place]
   end
end

function request()
   sent = sent + 1
   local body = string.format('{"description":"%s","budget_minor":%d}', string.rep("x", 300), sent)
   return "PATCH /v1/campaigns/" .. ids[sent % #ids + 1] .. " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. token
      .. "\r\nContent-Type: application/json\r\nIdempotency-Key: " .. prefix .. "-" .. sent
      .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end
