-- suite.lua: does this lua do what its manual says?  Debian's source of lua holds
-- no tests.  One line each: "ok NAME" or "not ok NAME" with the error.
-- Arguments: the lua and the luac that are tested, for what runs them again.
local LUA, LUAC = arg[1], arg[2]
local passed, failed = 0, 0
local dir = (os.getenv("TMPDIR") or "/tmp") .. "/suite_lua."

local function t(name, fn)
  local ok, err = pcall(fn)
  print((ok and "ok " or "not ok ") .. name .. (ok and "" or ": " .. tostring(err)))
  if ok then passed = passed + 1 else failed = failed + 1 end
end

local function eq(a, b)
  if a ~= b then
    error(tostring(a) .. ", not " .. tostring(b), 2)
  end
end

t("integers", function()
  eq(7 // 2, 3) eq(-7 // 2, -4) eq(-7 % 3, 2) eq(7 % -3, -2)
  eq(math.maxinteger + 1, math.mininteger)
  eq(1 << 62, 4611686018427387904) eq(~0, -1) eq(0xff ~ 0x0f, 0xf0)
  eq(math.type(3), "integer") eq(math.type(3.0), "float")
  eq(math.tointeger(3.0), 3) eq(3 | 0, 3)
  eq(pcall(function() return 1 // 0 end), false)
  eq(math.ult(1, -1), true)
end)
t("floats", function()
  eq(7 / 2, 3.5) eq(2 ^ 10, 1024.0) eq(1e308 * 10, math.huge)
  eq(0 / 0 ~= 0 / 0, true) eq(math.floor(-3.5), -4) eq(math.ceil(-3.5), -3)
  eq(string.format("%.14g", math.pi), "3.1415926535898")
  eq(string.format("%.10g", math.sqrt(2)), "1.414213562")
  eq(string.format("%.8f", math.sin(1)), "0.84147098")
  eq(string.format("%.8f", math.exp(1)), "2.71828183")
  eq(math.fmod(-7, 3), -1.0) eq(5.0 // 0.3, 16.0)
  eq(string.format("%a", 1.0), "0x1p+0") eq(0x1p4, 16.0)
end)
t("conversions", function()
  eq("10" + 5, 15) eq(tonumber("0x10"), 16) eq(tonumber("zz", 36), 1295)
  eq(tonumber("1e1"), 10.0) eq(tonumber("x"), nil) eq(tostring(1e15), "1e+15")
  eq(10 .. "", "10") eq(tostring(-0.0), "-0.0") eq(2^53 == 2^53 + 1, true)
end)
t("comparison", function()
  eq(1 < 1.5, true) eq(math.maxinteger < math.huge, true) eq("a" < "b", true)
  eq(math.maxinteger + 0.0 == math.maxinteger, false) eq("10" == 10, false)
end)
t("strings", function()
  eq(("x"):rep(3, ","), "x,x,x") eq(("hello"):sub(-3), "llo") eq(#"a\0b", 3)
  eq(("abc"):byte(2), 98) eq(string.char(72, 105), "Hi") eq(("aB"):upper(), "AB")
  eq(("abc"):reverse(), "cba") eq("\x41\u{20ac}\z
      b", "A\xe2\x82\xacb")
  eq(string.format("%5d|%-5s|%05.1f|%q", 42, "a", 2.5, "a\nb"), '   42|a    |002.5|"a\\\nb"')
end)
t("patterns", function()
  eq(("hello world"):match("^(%w+)"), "hello") eq(("k=v"):find("=", 1, true), 2)
  eq(("a1b22"):gsub("%d+", function(d) return "<" .. d .. ">" end), "a<1>b<22>")
  eq(("f(a(b)c)d"):match("%b()"), "(a(b)c)") eq(("THE (q) f"):find("%((%a)%)"), 5)
  eq(("$x $y"):gsub("%$(%w)", { x = "1", y = "2" }), "1 2")
  eq(("abc"):gsub("", "-"), "-a-b-c-") eq(("one;two"):match("%f[%w]%w+$"), "two")
  local n = 0
  for w in ("a b c"):gmatch("%a") do n = n + w:byte() end
  eq(n, 294)
end)
t("pack", function()
  eq(string.pack("<i4", 100), "d\0\0\0") eq(string.unpack("<i2", "\1\2"), 513)
  eq(string.packsize("i8i4"), 12) eq(string.unpack("z", "abc\0d"), "abc")
  eq(select(2, string.unpack("s1", "\3abc")), 5) eq(string.unpack("<d", string.pack("<d", 1.5)), 1.5)
end)
t("utf8", function()
  eq(utf8.char(8364, 65), "€A") eq(utf8.len("€uro"), 4) eq(utf8.codepoint("€"), 8364)
  eq(utf8.offset("a€b", 3), 5) eq(utf8.len("\xff"), nil)
end)
t("tables", function()
  local a = {}
  for i = 1, 20000 do a[i] = i end
  eq(#a, 20000)
  for i = 20000, 10001, -1 do a[i] = nil end
  eq(#a, 10000)
  table.insert(a, 1, 0) eq(a[10001], 10000) eq(table.remove(a), 10000)
  eq(table.concat({ 1, 2, 3 }, "-"), "1-2-3") eq(select("#", table.unpack({ 1, nil, 3 }, 1, 3)), 3)
  eq(table.move({ 1, 2, 3 }, 1, 3, 2)[3], 2) eq(table.pack(1, nil).n, 2)
end)
t("hash", function()
  local h, n = {}, 0
  for i = 1, 9999 do h["k" .. i] = i end
  for k in pairs(h) do if #k % 2 == 0 then h[k] = nil end end
  for _, v in pairs(h) do n = n + 1 assert(v) end
  eq(n, 90 + 9000)
  h[1.0] = "f" eq(h[1], "f") eq(pcall(function() h[0 / 0] = 1 end), false)
end)
t("sort", function()
  local a, x = {}, 12345
  for i = 1, 10000 do x = (x * 1103515245 + 12345) & 0x7fffffff a[i] = x end
  table.sort(a)
  for i = 2, #a do assert(a[i - 1] <= a[i]) end
  table.sort(a, function(p, q) return p > q end)
  for i = 2, #a do assert(a[i - 1] >= a[i]) end
  eq(pcall(table.sort, { 1, "x" }), false)
end)
t("closures", function()
  local fs = {}
  for i = 1, 10 do fs[i] = function() i = i + 1 return i end end
  eq(fs[3](), 4) eq(fs[3](), 5) eq(fs[4](), 5)
  local function counter() local c = 0 return function() c = c + 1 return c end end
  local a, b = counter(), counter()
  a() a() eq(a(), 3) eq(b(), 1)
end)
t("varargs", function()
  local function f(...) return select("#", ...), ... end
  eq(f(nil, nil), 2) eq(select(-1, 1, 2, 3), 3) eq((f(1, 2)), 2)
  eq(select("#", table.unpack({}, 1, 200)), 200)
end)
t("goto", function()
  local n = 0
  ::top:: n = n + 1
  if n < 5 then goto top end
  for i = 1, 3 do for _ = 1, 3 do if i == 2 then goto next end end n = n + 10 ::next:: end
  eq(n, 25)
end)
t("metatables", function()
  local mt = { __index = function(_, k) return k .. "!" end, __add = function(a, b) return a.v + b.v end,
    __call = function(_, x) return x * 2 end, __len = function() return 42 end, __eq = function() return true end,
    __lt = function(a, b) return a.v < b.v end, __concat = function() return "cat" end,
    __tostring = function() return "str" end, __close = nil }
  local a, b = setmetatable({ v = 1 }, mt), setmetatable({ v = 2 }, mt)
  eq(a.x, "x!") eq(a + b, 3) eq(a(4), 8) eq(#a, 42) eq(a == b, true) eq(a < b, true) eq(a .. b, "cat")
  eq(tostring(a), "str") eq(rawlen(a), 0) eq(rawequal(a, b), false)
end)
t("close", function()
  local log = {}
  do
    local x <close> = setmetatable({}, { __close = function() log[#log + 1] = "x" end })
    local y <close> = setmetatable({}, { __close = function() log[#log + 1] = "y" end })
    local z <const> = 5
    log[#log + 1] = z
  end
  eq(table.concat(log, ","), "5,y,x")
end)
t("coroutines", function()
  local co = coroutine.wrap(function(a) for i = 1, 3 do a = coroutine.yield(a + i) end return "end" end)
  eq(co(10), 11) eq(co(20), 22) eq(co(30), 33) eq(co(0), "end") eq(pcall(co), false)
  local c = coroutine.create(function() pcall(coroutine.yield, 1) error("e") end)
  eq(select(2, coroutine.resume(c)), 1) eq(coroutine.resume(c), false) eq(coroutine.status(c), "dead")
  local n = 0
  for i = 1, 1000 do coroutine.wrap(function() n = n + i coroutine.yield() end)() end
  eq(n, 500500)
  eq(coroutine.close(coroutine.create(print)), true)
end)
t("errors", function()
  local ok, e = pcall(error, { code = 5 })
  eq(ok, false) eq(e.code, 5)
  eq(select(2, xpcall(function() error("deep", 0) end, function(m) return m .. "+" end)), "deep+")
  eq(select(2, pcall(function() local x = nil; return x.y end)):match("local 'x'"), "local 'x'")
  assert(debug.traceback("tb"):match("stack traceback"))
end)
t("stack-overflow", function()
  -- The C stack's: Lua's own takes 30 MB before it is full.
  local function f() return (("a"):gsub("a", f)) end
  local ok, e = pcall(f)
  eq(ok, false) assert(e:match("stack overflow"))
  local function tail(n) if n == 0 then return "done" end return tail(n - 1) end
  eq(tail(1000000), "done")
end)
t("load", function()
  eq(load("return 1 + 1")(), 2) eq(load("syntax error here"), nil)
  local env = { x = 5 } eq(load("x = x + 1 return x", "c", "t", env)(), 6)
  local f = load(string.dump(function(a) return a * 3 end), "d", "b") eq(f(5), 15)
  eq(load(string.dump(print and function() end), "d", "t"), nil)
  local big = {}
  for i = 1, 3000 do big[i] = "local v" .. i % 150 .. " = " .. i end
  assert(load("do " .. table.concat(big, " end do ") .. " end return 1"))
end)
t("collector", function()
  local weak = setmetatable({}, { __mode = "k" })
  for i = 1, 1000 do weak[{}] = i end
  collectgarbage()
  eq(next(weak), nil)
  local fin = 0
  for _ = 1, 100 do setmetatable({}, { __gc = function() fin = fin + 1 end }) end
  collectgarbage() eq(fin, 100)
  collectgarbage("generational")
  local keep = {}
  for i = 1, 50000 do keep[i % 1000] = { i, tostring(i) } end
  collectgarbage("incremental") collectgarbage()
  eq(keep[5][2], tostring(keep[5][1]))
  assert(collectgarbage("count") < 20000)
end)
t("files", function()
  local name = dir .. "f"
  local f = assert(io.open(name, "w"))
  for i = 1, 1000 do f:write(i, "\n") end
  eq(f:seek("cur"), 3893) f:close()
  local n = 0
  for l in io.lines(name) do n = n + tonumber(l) end
  eq(n, 500500)
  f = io.open(name, "r+b") f:seek("set", 2) f:write("X") f:seek("set") eq(f:read("l", "l"), "1") f:close()
  f = io.open(name, "a") f:write("end") f:close()
  f = io.open(name) eq(#f:read("a"), 3896) eq(f:read("l"), nil) eq(f:read(0), nil) f:close()
  eq(io.type(f), "closed file") assert(os.rename(name, name .. "2")) eq(io.open(name), nil)
  assert(os.remove(name .. "2")) eq(os.remove(name .. "2"), nil)
  f = io.tmpfile() f:setvbuf("full", 100) f:write(("z"):rep(5000)) f:seek("set") eq(#f:read("a"), 5000) f:close()
end)
t("processes", function()
  local p = io.popen("echo one; echo two; exit 3")
  eq(p:read("a"), "one\ntwo\n")
  local ok, how, code = p:close()
  eq(ok, nil) eq(how, "exit") eq(code, 3)
  p = io.popen("cat >/dev/null", "w") p:write(("x"):rep(200000)) eq(p:close(), true)
  eq(select(3, os.execute("kill -9 $$")), 9) eq(os.execute("true"), true)
  eq(os.getenv("NOSUCHVARIABLE"), nil)
end)
t("time", function()
  eq(os.date("!%Y-%m-%d %H:%M:%S", 86399), "1970-01-01 23:59:59")
  eq(os.date("!*t", 0).year, 1970) assert(os.time() > 1e9) assert(os.clock() >= 0)
end)
t("random", function()
  math.randomseed(42)
  local a = math.random(1, 1000000)
  math.randomseed(42)
  eq(math.random(1, 1000000), a)
  for _ = 1, 10000 do local r = math.random(5, 7) assert(r >= 5 and r <= 7) end
end)
t("modules", function()
  package.preload.mine = function(n) return { name = n } end
  eq(require("mine").name, "mine") eq(require("mine"), package.loaded.mine) eq(pcall(require, "nope"), false)
  local f = io.open(dir .. "m.lua", "w") f:write("return { v = ... }") f:close()
  package.path = dir .. "?.lua"
  eq(require("m").v, "m") os.remove(dir .. "m.lua")
end)
t("debug", function()
  local function f(a, b) local c = a return c end
  local i = debug.getinfo(f, "uS")
  eq(i.nparams, 2) eq(i.what, "Lua")
  local lines = 0
  debug.sethook(function() lines = lines + 1 end, "l") f(1)
  f(2)
  debug.sethook() assert(lines >= 2)
end)
t("queens", function()
  local found = 0
  local function place(n, row, cols, up, down)
    if row > n then found = found + 1 return end
    for c = 1, n do
      if not cols[c] and not up[c + row] and not down[c - row] then
        cols[c], up[c + row], down[c - row] = true, true, true
        place(n, row + 1, cols, up, down)
        cols[c], up[c + row], down[c - row] = nil, nil, nil
      end
    end
  end
  place(7, 1, {}, {}, {})
  eq(found, 40)
end)
t("standalone", function()
  local function run(cmd) local p = io.popen(cmd .. " 2>&1") local s = p:read("a") return s, select(3, p:close()) end
  eq(run(LUA .. " -e 'print(1)' -e 'print(2)'"), "1\n2\n")
  eq(select(2, run(LUA .. " -e 'os.exit(7)'")), 7) eq(select(2, run(LUA .. " -e 'error()'")), 1)
  eq(run("echo 'print(...)' | " .. LUA .. " - a b"), "a\tb\n")
end)
t("luac", function()
  local name = dir .. "c"
  local f = io.open(name .. ".lua", "w") f:write("print(#arg, 6 * 7)") f:close()
  eq(os.execute(LUAC .. " -s -o " .. name .. ".out " .. name .. ".lua"), true)
  local p = io.popen(LUA .. " " .. name .. ".out x y") eq(p:read("a"), "2\t42\n") p:close()
  eq(os.execute(LUAC .. " -p " .. name .. ".lua"), true)
  os.remove(name .. ".lua") os.remove(name .. ".out")
end)
print(passed .. " passed, " .. failed .. " failed")
os.exit(failed == 0)
