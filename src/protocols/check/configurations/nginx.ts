import { identityHeaders, type ConfigurationValues } from './values.ts'

/** A whole nginx.conf, for nginx 1.18 and later with its Lua module, and `latchkey agent` beside it. */
export function nginxConfiguration(values: ConfigurationValues): string {
  const { frontEnd, listen, certificate, certificateKey, files, run, backend, streamLimitSeconds } = values
  const emptied = identityHeaders.filter(name => name !== 'Latchkey-Serial').map(name => `      proxy_set_header ${name} "";\n`).join('')
  return `# nginx (1.18 or later, on Debian with libnginx-mod-http-lua) in front of a server that only phones with a good
# certificate may reach. Front end ${frontEnd} of Latchkey. This is a whole nginx.conf.
#
# Start \`latchkey agent run\` first: it writes the files in ${files} that are named here, without which
# nginx does not start. Who runs it without root adds error_log and the five *_temp_path.

# Leave these two out where /etc/nginx/modules-enabled already loads them.
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;

worker_processes auto;
pid ${run}/nginx.pid;
# Old workers keep old lists, and running requests, for no longer than this after a reload.
worker_shutdown_timeout ${streamLimitSeconds}s;

events { worker_connections 4096; }

http {
  access_log off;

  # Refused serial numbers: 128 bytes each, so enough for two millions. A dictionary that is full takes no more, and then the
  # agent lets the time run out.
  lua_shared_dict latchkey_refused 256m;
  lua_shared_dict latchkey_state 1m;

  server {
    listen ${listen} ssl http2;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate ${certificate};
    ssl_certificate_key ${certificateKey};

    # No certificate, one of another CA, one that is on the lists: no request gets past here (400). Certificates of
    # another CA under the same root fail too, for there is no list of that CA.
    ssl_verify_client on;
    ssl_verify_depth 2;
    ssl_client_certificate ${files}/ca.pem;
    ssl_crl ${files}/lists.pem;

    # A resumed session walks past the lists, with TLS 1.3 for as long as the client likes.
    ssl_session_cache off;
    ssl_session_tickets off;

    # Asked on every request: connections that are open are refused as well.
    access_by_lua_block {
      local state = ngx.shared.latchkey_state
      local function refuse(status, why)
        ngx.header["Latchkey-Decision"] = why
        return ngx.exit(status)
      end
      -- The dead-man switch: who was just started refuses everybody until the agent has brought everything; and when the
      -- agent has nothing new to say for too long, the time runs out.
      if (state:get("until") or 0) < ngx.time() then return refuse(503, "stale") end
      local generation = ngx.shared.latchkey_refused:get(ngx.var.ssl_client_serial or "")
      if not ngx.var.ssl_client_serial or generation and generation >= (state:get("generation") or 0) then return refuse(403, "revoked") end
      -- A connection may outlive its certificate.
      local month, day, clock, year = (ngx.var.ssl_client_v_end or ""):match("^(%a+)%s+(%d+) ([%d:]+) (%d+)")
      local ends = month and ngx.parse_http_time(("Mon, %02d %s %s %s GMT"):format(day, month, year, clock))
      if not ends or ends < ngx.time() then return refuse(403, "expired") end
      -- The agent's own question, whether a good certificate gets here. It is answered here, and never passed on.
      if ("," .. ngx.var.ssl_client_s_dn .. ","):find(",CN=Latchkey canary,", 1, true) then
        ngx.header["Latchkey-Decision"] = "canary"
        ngx.print("canary")
        return ngx.exit(200)
      end
    }

    location / {
      proxy_pass http://${backend};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Connection "";
      # A request that is running when its phone is revoked ends only then: the long polls of mail included.
      proxy_read_timeout ${streamLimitSeconds}s;

      # Who the client is. This also overwrites what the client says about itself; spellings with underscores are dropped
      # by nginx (leave underscores_in_headers off).
      proxy_set_header Latchkey-Serial $ssl_client_serial;

      # Every other way in which a back end might be told of a client certificate. An empty header is not sent.
${emptied}    }
  }

  # For the agent alone. Keep ${run} closed to others (mode 0700): nginx makes its sockets open to everybody.
  server {
    listen unix:${run}/nginx.sock;
    client_body_buffer_size 1m;
    client_max_body_size 1m;
    default_type text/plain;

    location / {
      content_by_lua_block {
        local refused, state = ngx.shared.latchkey_refused, ngx.shared.latchkey_state
        local asked, path = ngx.req.get_uri_args(), ngx.var.uri
        local function answer(status, text) ngx.status = status; ngx.say(text); return ngx.exit(status) end
        if path == "/state" then return answer(200, ngx.var.nginx_version) end
        if ngx.req.get_method() ~= "POST" then return answer(405, "only POST") end
        if path == "/begin" then return answer(200, (state:get("generation") or 0) + 1) end
        local generation = tonumber(asked.generation)
        if path ~= "/load" and path ~= "/commit" then
          -- What was loaded is known by a number: it is gone with the processes that had it.
          if not state:get("token") or asked.token ~= state:get("token") then return answer(409, "not loaded") end
          generation = state:get("generation")
        end
        if path == "/fresh" then
          state:set("until", tonumber(asked["until"]))
        elseif path == "/commit" then
          state:set("generation", generation)
          state:set("token", asked.token)
        elseif path == "/load" or path == "/add" or path == "/lift" then
          ngx.req.read_body()
          local body = ngx.req.get_body_data()
          if not body then return answer(400, "too much at once") end
          for serial in body:gmatch("[^\\n]+") do
            if path == "/lift" then
              refused:delete(serial)
            else
              local ok, problem = refused:safe_set(serial, generation)
              if not ok then return answer(507, problem) end
            end
          end
        else
          return answer(404, "no such command")
        end
        return answer(200, "done")
      }
    }
  }
}
`
}
