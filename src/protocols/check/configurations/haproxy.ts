import { identityHeaders, type ConfigurationValues } from './values.ts'

/** A whole haproxy.cfg, for HAProxy 2.6 and later with `latchkey agent` beside it. */
export function haproxyConfiguration({ frontEnd, listen, certificate, files, run, backend, streamLimitSeconds }: ConfigurationValues): string {
  const deleted = identityHeaders.map(name => `    http-request del-header ${name}\n`).join('')
  return `# HAProxy (2.6 or later) in front of a server that only phones with a good certificate may reach.
# Front end ${frontEnd} of Latchkey. Start \`latchkey agent run\` first: it writes the files in ${files}
# that are named here, without which HAProxy does not start.

global
    # The agent sets the refused certificates here, at run time. Whoever can open it may do everything.
    stats socket ${run}/haproxy.sock mode 600 level admin expose-fd listeners
    stats timeout 1m
    # A resumed session walks past the lists, with TLS 1.3 for as long as the client likes. Only both lines together end that.
    tune.ssl.cachesize 0
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
    # A process that was replaced ends what still runs in it.
    hard-stop-after ${streamLimitSeconds}s

defaults
    mode http
    timeout connect 2s
    timeout client 30s
    # How long one request may run: the long polls of mail included. A phone that is revoked meanwhile is cut off at once
    # by the agent; this is the limit should it not be there.
    timeout server ${streamLimitSeconds}s
    timeout tunnel ${streamLimitSeconds}s
    timeout http-request 10s
    timeout http-keep-alive 60s

# Which certificate's requests are running on which connection, for the agent to cut them off.
backend latchkey_streams
    stick-table type string len 100 size 100k expire ${streamLimitSeconds}s

frontend phones
    # No certificate, one of another CA, one that is on the lists: no handshake. Certificates of another CA under the same
    # root fail too, for there is no list of that CA.
    bind ${listen} ssl crt ${certificate} ca-file ${files}/ca.pem verify required crl-file ${files}/lists.pem alpn h2,http/1.1

    # The dead-man switch. On disk it says "until 0", so that whoever was just started refuses everybody until the agent has
    # brought everything; and when the agent has nothing new to say for too long, the time runs out.
    http-request set-var(txn.now) date()
    http-request deny deny_status 503 hdr Latchkey-Decision stale if { str(until),map_str_int(${files}/fresh.map,0),sub(txn.now) lt 0 }

    # Asked on every request: connections that are open, and sessions that were resumed, are refused as well.
    http-request set-var(txn.serial) ssl_c_serial,hex
    http-request deny deny_status 403 hdr Latchkey-Decision revoked if { var(txn.serial),map(${files}/revoked.map) -m found }

    # A connection may outlive its certificate.
    http-request set-var(txn.end) ssl_c_notafter
    http-request set-var(txn.second) date,utime(%y%m%d%H%M%S)
    http-request deny deny_status 403 hdr Latchkey-Decision expired if { var(txn.end),sub(txn.second) lt 0 }

    # The agent's own question, whether a good certificate gets here. It is answered here, and never passed on.
    http-request return status 200 content-type text/plain string canary hdr Latchkey-Decision canary if { ssl_c_s_dn(CN) -m str "Latchkey canary" }

    http-request set-var(txn.address) src
    http-request set-var(txn.port) src_port
    http-request track-sc0 var(txn.serial),concat(|,txn.address,:),concat(,txn.port) table latchkey_streams

    # Nothing that the client says about certificates gets to the back end; what HAProxy knows does (RFC 9440).
${deleted}    # Some servers take an underscore for a hyphen, or any other character that is no letter.
    http-request del-header ^(${identityHeaders.map(name => name.toLowerCase().replaceAll('-', '[^a-z0-9]')).join('|')})$ -m reg
    http-request set-header Client-Cert :%[ssl_c_der,base64]:
    http-request set-header Latchkey-Serial %[var(txn.serial),lower]
    default_backend protected

backend protected
    server protected ${backend}
`
}
