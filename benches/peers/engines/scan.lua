-- Scans a text of random words, numbers, blanks and lines: a sum of the hashes of its words, of its
-- numbers and of its lines.
local LENGTH = 65536
local byte = string.byte

-- Ends with a newline, so that no word or number goes past the end.
local function write_text()
  local alphabet = "etaoin shrdlu cmfwyp\n vbgkqjxz 0123456789 "
  local characters, random = {}, 42
  for i = 1, LENGTH - 1 do
    random = (random * 3877 + 29573) % 139968
    local at = random % #alphabet + 1
    characters[i] = alphabet:sub(at, at)
  end
  return table.concat(characters) .. "\n"
end

local function scan(text, seed)
  local sum, at = 0, 1
  while at <= LENGTH do
    local c = byte(text, at)
    if c >= 97 and c <= 122 then
      local hash = seed
      repeat
        hash = (hash * 31 + c) % 0x1000000
        at = at + 1
        c = byte(text, at)
      until c < 97 or c > 122
      sum = sum + hash
    elseif c >= 48 and c <= 57 then
      local number = 0
      repeat
        number = number * 10 + c - 48
        at = at + 1
        c = byte(text, at)
      until c < 48 or c > 57
      sum = sum + number
    else
      if c == 10 then sum = sum + 1 end
      at = at + 1
    end
  end
  return sum
end

local text, sum = write_text(), 0
for round = 0, tonumber(arg[1]) - 1 do sum = sum + scan(text, round) end
print(string.format("%d", sum))
