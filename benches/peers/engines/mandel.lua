-- How many steps the points of an n by n grid take to leave the Mandelbrot set, at most 100 each.
local LIMIT = 100

local function steps(cr, ci)
  local x, y = 0.0, 0.0
  for k = 0, LIMIT - 1 do
    local xx, yy = x * x, y * y
    if xx + yy > 4.0 then return k end
    y = 2.0 * x * y + ci
    x = xx - yy + cr
  end
  return LIMIT
end

local n = tonumber(arg[1])
local sum, scale = 0, 2.0 / n
for row = 0, n - 1 do
  for column = 0, n - 1 do
    sum = sum + steps(column * scale - 1.5, row * scale - 1.0)
  end
end
print(string.format("%d", sum))
