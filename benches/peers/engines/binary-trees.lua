-- Binary trees of many sizes up to depth n are grown, counted and dropped: how many nodes there were in
-- all. Nodes are tables, which the collector takes back.
local function grow(depth)
  if depth == 0 then return {} end
  return { grow(depth - 1), grow(depth - 1) }
end

local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end

local n = tonumber(arg[1])
local lasting = grow(n)
local sum = 0
for depth = 4, n, 2 do
  for _ = 1, 2 ^ (n - depth + 4) do sum = sum + count(grow(depth)) end
end
print(string.format("%d", sum + count(lasting)))
