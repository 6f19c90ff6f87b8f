-- The Sun and its four giants for n steps of a hundredth of a day: their energy, in units of 10^-9.
local sqrt = math.sqrt
local PI = 3.141592653589793
local SUN = 4 * PI * PI
local YEAR = 365.24
local STEP = 0.01

local function body(x, y, z, vx, vy, vz, mass)
  return { x = x, y = y, z = z, vx = vx * YEAR, vy = vy * YEAR, vz = vz * YEAR, mass = mass * SUN }
end

local bodies = {
  body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
  body(4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01,
    1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05, 9.54791938424326609e-04),
  body(8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01,
    -2.76742510726411899e-03, 4.99852801234917238e-03, 2.30417297573763929e-05, 2.85885980666130812e-04),
  body(1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01,
    2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05, 4.36624404335156298e-05),
  body(1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01,
    2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05, 5.15138902046611451e-05),
}

-- Gives the Sun the momentum that holds the whole system still.
local function hold_still()
  local sun = bodies[1]
  for i = 2, #bodies do
    local b = bodies[i]
    sun.vx = sun.vx - b.vx * b.mass / SUN
    sun.vy = sun.vy - b.vy * b.mass / SUN
    sun.vz = sun.vz - b.vz * b.mass / SUN
  end
end

local function advance()
  local count = #bodies
  for i = 1, count do
    local a = bodies[i]
    for j = i + 1, count do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      local square = dx * dx + dy * dy + dz * dz
      local pull = STEP / (square * sqrt(square))
      local to_a, to_b = b.mass * pull, a.mass * pull
      a.vx = a.vx - dx * to_a
      a.vy = a.vy - dy * to_a
      a.vz = a.vz - dz * to_a
      b.vx = b.vx + dx * to_b
      b.vy = b.vy + dy * to_b
      b.vz = b.vz + dz * to_b
    end
  end
  for i = 1, count do
    local b = bodies[i]
    b.x = b.x + STEP * b.vx
    b.y = b.y + STEP * b.vy
    b.z = b.z + STEP * b.vz
  end
end

local function energy()
  local sum = 0.0
  for i, a in ipairs(bodies) do
    sum = sum + 0.5 * a.mass * (a.vx * a.vx + a.vy * a.vy + a.vz * a.vz)
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      sum = sum - a.mass * b.mass / sqrt(dx * dx + dy * dy + dz * dz)
    end
  end
  return sum
end

hold_still()
for _ = 1, tonumber(arg[1]) do advance() end
print(string.format("%d", math.ceil(energy() * 1e9)))
