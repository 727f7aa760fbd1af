import { identityHeaders, placeOf, type ConfigurationValues } from './values.ts'

/** A whole nginx.conf, for nginx 1.18 and later without an agent: it asks Latchkey about every request. */
export function nginxCheckConfiguration(values: ConfigurationValues): string {
  const { frontEnd, listen, certificate, certificateKey, files, backend, latchkey, streamLimitSeconds } = values
  const { isTls, hostname, hostAndPort } = placeOf(latchkey)
  const told = ['Latchkey-Decision', 'Latchkey-Device', 'Latchkey-Person', 'Latchkey-Serial']
  const emptied = identityHeaders.filter(name => !told.includes(name)).map(name => `      proxy_set_header ${name} "";\n`).join('')
  return `# nginx (1.18 or later) in front of a server that only phones with a good certificate may reach.
# Front end ${frontEnd} of Latchkey, which is asked about every request. This is a whole nginx.conf.
#
# In ${files}, before nginx is started:
#   chain.pem           the issuing CA and its root, from ${latchkey}/ca/chain.pem: compare with \`latchkey authority show\`
#   check-secret.conf   mode 0600, one line: proxy_set_header Authorization "Bearer SECRET";
#                       with what \`latchkey front-end add ${frontEnd} --kind nginx\` printed
#   bundle.pem          the revocation lists: docs/nginx/latchkey-fetch-bundle.sh brings and renews them. Its first run ends
#                       with 1, because there is no nginx to reload yet: start nginx then
# Who runs it without root adds pid, error_log and the five *_temp_path.

# Old workers keep old lists, and running requests, for no longer than this after a reload.
worker_shutdown_timeout ${streamLimitSeconds}s;

events { worker_connections 1024; }

http {
  access_log off;

  upstream latchkey {
    server ${hostAndPort};
    keepalive 16;
  }

  server {
    listen ${listen} ssl;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate ${certificate};
    ssl_certificate_key ${certificateKey};

    # No certificate of the issuing CA: no request gets past here (400). Certificates of another CA under the same root
    # fail too: the bundle has no list of that CA, and nginx wants one of every CA in the chain.
    ssl_verify_client on;
    ssl_verify_depth 2;
    ssl_client_certificate ${files}/chain.pem;
    ssl_crl ${files}/bundle.pem;

    # A resumed session is not checked against the lists again. That is safe only because of auth_request below,
    # which sees the certificate of every request, also on resumed and on open connections.
    ssl_session_cache shared:latchkey:4m;
    ssl_session_timeout 1h;
    ssl_session_tickets off;

    location = /latchkey-check {
      internal;
      proxy_pass ${isTls ? 'https' : 'http'}://latchkey/check/${frontEnd};
${isTls ? tlsLines(hostname) : ''}      proxy_http_version 1.1;
      # Nothing that the client sent goes to Latchkey, not its body nor any of its headers, but for the two lines below.
      proxy_pass_request_body off;
      proxy_pass_request_headers off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header Cookie "";
      include ${files}/check-secret.conf;
      proxy_set_header X-SSL-Client-Escaped-Cert $ssl_client_escaped_cert;
      # What an ActiveSync client says of itself, for \`latchkey front-end activesync\`: the address as it was sent (not
      # $uri, which is decoded and could hold a line end), and its User-Agent. Both are only held against the certificate.
      proxy_set_header X-Original-URI $request_uri;
      proxy_set_header User-Agent $http_user_agent;
      # No answer in time is a refusal (500), and so is an answer that is neither yes nor no.
      proxy_connect_timeout 1s;
      proxy_send_timeout 1s;
      proxy_read_timeout 2s;
    }

    location / {
      auth_request /latchkey-check;
      auth_request_set $latchkey_decision $upstream_http_latchkey_decision;
      auth_request_set $latchkey_reason $upstream_http_latchkey_reason;
      auth_request_set $latchkey_device $upstream_http_latchkey_device;
      auth_request_set $latchkey_person $upstream_http_latchkey_person;
      auth_request_set $latchkey_serial $upstream_http_latchkey_serial;
      # Latchkey's refusals alone: what the back end answers, 403 too, is passed on as it is.
      error_page 403 = @latchkey-refused;

      proxy_pass http://${backend};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Connection "";
      # A request that is running when its phone is revoked ends only then (the mail protocol's long polls included).
      proxy_read_timeout ${streamLimitSeconds}s;

      # Who the client is, as Latchkey said. This also overwrites what the client says about itself in these headers;
      # spellings with underscores are dropped by nginx (leave underscores_in_headers off).
${told.map(name => `      proxy_set_header ${name} $${name.toLowerCase().replace('-', '_')};\n`).join('')}
      # Every other way in which a back end might be told of a client certificate. An empty header is not sent.
${emptied}    }

    location @latchkey-refused {
      default_type text/plain;
      add_header Latchkey-Decision $latchkey_decision always;
      add_header Latchkey-Reason $latchkey_reason always;
      # Somebody's own question whether a good certificate gets here, which Latchkey refuses like any that opens nothing. It
      # is answered here, and never passed on.
      if ($latchkey_decision = canary) { return 200 canary; }
      return 403;
    }
  }
}
`
}

const tlsLines = (hostname: string): string => `      proxy_set_header Host ${hostname};
      proxy_ssl_protocols TLSv1.2 TLSv1.3;
      proxy_ssl_server_name on;
      proxy_ssl_name ${hostname};
      proxy_ssl_verify on;
      proxy_ssl_verify_depth 4;
      proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;
`
