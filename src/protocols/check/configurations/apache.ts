import { identityHeaders, type ConfigurationValues } from './values.ts'

const processes = 16

/** All processes that may be there at once: the running ones, and those that were replaced and still have requests running. */
const serverLimit = (streamLimitSeconds: number): number => processes * (2 + Math.ceil(streamLimitSeconds / 300))

/** A whole apache2.conf, for Apache 2.4.39 and later with mod_lua, and `latchkey agent` beside it. */
export function apacheConfiguration(values: ConfigurationValues): string {
  const { frontEnd, listen, certificate, certificateKey, files, run, backend, streamLimitSeconds } = values
  return `# Apache (2.4.39 or later) in front of a server that only phones with a good certificate may reach. Front end ${frontEnd} of Latchkey.
# This is a whole apache2.conf for Debian. Where Apache serves other sites as well, everything from Listen on is a site of its
# own; it needs the modules that are loaded here, SSLSessionCache none, and the places of ServerLimit.
#
# Start \`latchkey agent run\` first: it writes the files in ${files} that are named here, without which
# Apache does not start.

LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule lua_module /usr/lib/apache2/modules/mod_lua.so

User www-data
Group www-data
PidFile ${run}/apache2.pid
ErrorLog /var/log/apache2/error.log
ServerName ${frontEnd}
ServerTokens Minimal
TraceEnable off
SSLSessionCache none

# Every running request takes a thread, the long polls of mail included: for more than a thousand phones raise MaxRequestWorkers,
# and ServerLimit as much. It leaves places for processes that are replaced when the agent has new lists read, every five
# minutes at most, and still have requests running.
ServerLimit ${serverLimit(streamLimitSeconds)}
ThreadsPerChild 64
MaxRequestWorkers ${64 * processes}

Listen ${listen}
<VirtualHost ${listen.includes(':') ? listen : `*:${listen}`}>
  SSLEngine on
  SSLProtocol -all +TLSv1.2 +TLSv1.3
  SSLCertificateFile ${certificate}
  SSLCertificateKeyFile ${certificateKey}

  # No certificate, one of another CA, one that is on the lists: no handshake. Certificates of another CA under the same
  # root fail too, for there is no list of that CA.
  SSLVerifyClient require
  SSLVerifyDepth 2
  SSLCACertificateFile ${files}/ca.pem
  SSLCARevocationFile ${files}/lists.pem
  SSLCARevocationCheck chain

  # A resumed session walks past the lists, with TLS 1.3 for as long as the client likes. SSLSessionCache none belongs to this.
  SSLSessionTickets off

  Timeout 30
  KeepAliveTimeout 60
  RequestReadTimeout handshake=10 header=10 body=30,MinRate=500

${admission(run)}
  ProxyPreserveHost On
  AllowEncodedSlashes NoDecode
  # A request that is running when its phone is revoked goes on: Apache cannot end it. timeout is how long the server behind
  # may say nothing in it, as in the long polls of mail; an answer that keeps moving is not ended by it.
  ProxyPass / http://${backend}/ nocanon retry=0 connectiontimeout=2 timeout=${streamLimitSeconds}
</VirtualHost>
`
}

/**
 * What is asked on every request. An error in here is answered with 500: nobody is let in by it. A RewriteMap would be shorter,
 * but where it cannot open its file it finds nobody in it, and remembers that until the file has changed.
 */
const admission = (run: string): string => `  # Asked on every request: connections that are open are refused as well. Each time the agent's files are read anew, a few
  # dozen bytes of them, so that nothing counts that was replaced; where one is missing or was cut off, nobody is let in. Keep
  # ${run} closed to writing by others, and open to reading for Apache's own user.
  LuaScope thread
  <LuaHookAccessChecker admit>
    local months = { Jan = "01", Feb = "02", Mar = "03", Apr = "04", May = "05", Jun = "06", Jul = "07", Aug = "08", Sep = "09", Oct = "10", Nov = "11", Dec = "12" }

    -- Every header in which the server behind might be told of a client certificate.
    local identity = {}
    for name in ([[
${identityHeaders.map(name => `      ${name.toLowerCase()}\n`).join('')}    ]]):gmatch("%S+") do identity[name] = true end

    -- Until when phones may be let in, or 0.
    local function fresh(now)
      local file = io.open("${run}/fresh", "rb")
      local text = file and file:read(64) or ""
      if file then file:close() end
      local since, ends = text:match("^since (%d+) until (%d+)\\n$")
      -- A clock that was set back lets nobody in for longer.
      return ends and now >= since - 60 and tonumber(ends) or 0
    end

    -- Searches sorted lines of 42 bytes, under one that counts them. Answers "+" (refused), "-" (not any more), "" (not in
    -- there), or nil where the file cannot be relied on.
    local function search(file, number)
      local length = file:seek("end")
      local function line(n)
        file:seek("set", n * 42)
        return file:read(42) or ""
      end
      local high = tonumber(line(0):match("^latchkey *(%d+)\\n$"))
      if not high or length ~= (high + 1) * 42 then return nil end
      local low = 1
      while low <= high do
        local middle = math.floor((low + high) / 2)
        local found, mark = line(middle):match("^(%x+)([+-])\\n$")
        if not found then return nil end
        if found == number then return mark end
        if found < number then low = middle + 1 else high = middle - 1 end
      end
      return ""
    end

    local function look(name, number)
      local file = io.open("${run}/" .. name, "rb")
      if not file then return nil end
      file:setvbuf("no")
      local mark = search(file, number)
      file:close()
      return mark
    end

    local function refuse(r, status, why)
      r.err_headers_out["Latchkey-Decision"] = why
      return status
    end

    function admit(r)
      local now = os.time()
      -- The dead-man switch: a machine that was just started refuses everybody until the agent has brought everything; and
      -- when the agent has nothing new to say for too long, the time runs out.
      if fresh(now) < now then return refuse(r, 503, "stale") end

      local serial = (r:ssl_var_lookup("SSL_CLIENT_M_SERIAL") or ""):lower()
      local number = ("0"):rep(40 - #serial) .. serial
      -- What has changed first, then the whole: the agent writes them the other way round.
      local changed = look("changed", number)
      local refused = changed and changed ~= "" and changed or changed and look("refused", number)
      if not refused then return refuse(r, 503, "stale") end
      if serial == "" or refused == "+" then return refuse(r, 403, "revoked") end

      -- A connection may outlive its certificate.
      local month, day, clock, year = (r:ssl_var_lookup("SSL_CLIENT_V_END") or ""):match("^(%a+) +(%d+) ([%d:]+) (%d+) GMT$")
      local ends = month and year .. months[month] .. ("%02d"):format(day) .. clock:gsub(":", "")
      if not ends or ends < os.date("!%Y%m%d%H%M%S", now) then return refuse(r, 403, "expired") end

      -- The agent's own question, whether a good certificate gets here. It is answered here, and never passed on.
      if r:ssl_var_lookup("SSL_CLIENT_S_DN_CN") == "Latchkey canary" then
        r.headers_out["Latchkey-Decision"] = "canary"
        r.content_type = "text/plain"
        r:puts("canary")
        return apache2.DONE
      end

      -- Nothing that the client says about certificates gets to the server behind, not even in a spelling that only some
      -- servers take for the same name; what Apache knows does (RFC 9440).
      for name in pairs(r:headers_in_table()) do
        if identity[(name:lower():gsub("[^%w]", "-"))] then r.headers_in[name] = nil end
      end
      r.headers_in["Client-Cert"] = ":" .. r:ssl_var_lookup("SSL_CLIENT_CERT"):gsub("%-%-%-%-%-[%u ]+%-%-%-%-%-", ""):gsub("%s", "") .. ":"
      r.headers_in["Latchkey-Serial"] = serial
      return apache2.DECLINED
    end
  </LuaHookAccessChecker>
`
