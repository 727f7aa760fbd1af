/** What mends a finding, in the words of the program that terminates TLS. */
import type { FindingCode } from './findings.ts'

type Words = { readonly any: string } & Readonly<Record<string, string>>

const print = 'compare with what `latchkey front-end config` prints for it'
const perRequest: Words = {
  any: `let it ask on every request: /check, or what its agent keeps (${print})`,
  nginx: 'check on every request: `auth_request` to /check, or the Lua block that `latchkey front-end config nginx` prints, in every location',
  haproxy: 'check on every request: `http-request deny … if { var(txn.serial),map(…/revoked.map) -m found }` with `latchkey agent`, as `latchkey front-end config haproxy` prints',
  caddy: 'check on every request: `forward_auth` to /check, before any other handler of the site',
}
const lists: Words = {
  any: 'load the lists of /crl/bundle.pem again, and have them loaded whenever they change (`latchkey agent`)',
  nginx: 'set `ssl_crl` to the file that the agent (or docs/nginx/latchkey-fetch-bundle.sh) writes, and see that nginx is reloaded when it changes',
  haproxy: 'give `crl-file` the file lists.pem that the agent writes, and see that the agent runs',
  apache: 'set `SSLCARevocationFile` to the file lists.pem that the agent writes with `SSLCARevocationCheck chain`, and see that Apache is reloaded when it changes',
}
const wholeBundle: Words = { any: 'replace the whole file by /crl/bundle.pem, which has the list of the root and every partition: `latchkey agent` does, and docs/nginx/latchkey-fetch-bundle.sh' }
const onlyOurs: Words = {
  any: 'hold clients against the issuing CA and its root only, with lists for both: a CA under the same root has none, and is refused then',
  nginx: 'set `ssl_verify_client on` (never optional_no_ca), `ssl_client_certificate` to the agent’s ca.pem (or /ca/chain.pem), and `ssl_crl` to its lists',
  haproxy: 'on the bind line: `ca-file …/ca.pem verify required crl-file …/lists.pem`, without crt-ignore-err and ca-ignore-err',
  apache: '`SSLVerifyClient require`, `SSLCACertificateFile` with issuing CA and root only, and `SSLCARevocationCheck chain` without no_crl_for_cert_ok',
  caddy: '`client_auth` with `mode require_and_verify` and the issuing CA (not the root) as the only trusted one',
}

const mends: Readonly<Record<FindingCode, Words>> = {
  'certificate-optional': {
    any: 'demand a certificate in the handshake, for every address that it serves', nginx: '`ssl_verify_client on;` in every server block of this address, the default one included',
    haproxy: '`verify required` on every bind line of this address', apache: '`SSLVerifyClient require` in every virtual host of this address, not per location', caddy: '`client_auth { mode require_and_verify … }` for every site of this address',
  },
  'server-certificate': { any: 'let the server send its own certificate, for this name, with every CA between it and a root that phones trust' },
  'accepted-issuers-missing': {
    any: 'let the server name the issuing CA among those it accepts: phones choose their certificate by it', nginx: 'put issuing CA and root into `ssl_client_certificate` (not only into `ssl_trusted_certificate`)',
    haproxy: 'put issuing CA and root into `ca-file`', apache: 'put issuing CA and root into `SSLCACertificateFile`, and leave out `SSLCADNRequestFile`',
  },
  'accepted-issuers-foreign': onlyOurs, 'self-made-ca-accepted': onlyOurs, 'foreign-ca-accepted': onlyOurs,
  'good-refused': { any: 'look, in this order, at: the list of the root in what it loads, the lists of every partition, their nextUpdate, its clock, the CAs it trusts, what checks each request (`--bundle FILE` looks into the lists)' },
  'list-missing': wholeBundle, 'root-list-missing': wholeBundle, 'partition-list-missing': wholeBundle, 'bundle-damaged': wholeBundle, 'list-behind': lists,
  'list-ended': lists, 'list-ends-soon': { any: 'see why no newer list is there: at the service `latchkey today` and its log say why it does not sign; at the front end see that `latchkey agent` (or the script that fetches) runs. A root’s list: `latchkey authority root-crl`' },
  'delta-in-bundle': { any: 'take the delta out: it hides the list it belongs to, and who is on that one gets in. Load /crl/bundle.pem as it is' },
  'complete-list-in-bundle': { any: 'take the complete list of the issuing CA out: it may hide a newer partition. Load /crl/bundle.pem as it is' },
  'front-end-stale': { any: 'start `latchkey agent run` beside it, or see in its output why it has not loaded the front end: until then everybody is refused' },
  'revoked-new-connection': perRequest, 'revoked-keep-alive': perRequest, 'revoked-resumed': {
    ...perRequest, any: `${perRequest.any}; and switch the resumption of sessions off`,
    nginx: `\`ssl_session_cache off; ssl_session_tickets off;\` and ${perRequest['nginx']}`, haproxy: `\`tune.ssl.cachesize 0\` and \`no-tls-tickets\`, both, and ${perRequest['haproxy']}`,
    apache: '`SSLSessionCache none` and `SSLSessionTickets off`, and a check of every request',
  },
  'resumption-on': {
    any: 'switch the resumption of sessions off: a resumed session is not held against the lists', nginx: '`ssl_session_cache off; ssl_session_tickets off;`',
    haproxy: '`tune.ssl.cachesize 0` in the global section and `no-tls-tickets` in ssl-default-bind-options: only both together end it', apache: '`SSLSessionCache none` and `SSLSessionTickets off`',
    caddy: 'let it ask /check on every request (`forward_auth`): Caddy’s own file cannot switch sessions off',
  },
  'revocation-late': { any: 'find what is slow: an agent that polls instead of following, a script that fetches the lists now and then, or an answer that is kept' },
  'check-cached': {
    any: 'keep no answer of /check, which says no-store', nginx: 'take `proxy_cache`, `proxy_cache_valid` and `proxy_ignore_headers Cache-Control` out of the location that asks /check',
  },
  'open-on-outage': {
    any: 'refuse when /check does not answer, or answers with 5xx', nginx: 'take `error_page 500 502 503 504` with another status, `proxy_intercept_errors` and `proxy_cache_use_stale` away from the location that asks /check, and `error_page 500` from what is protected',
    envoy: '`failure_mode_allow: false`', apache: 'refuse where the map or the authorizer is missing', haproxy: 'deny unless the check said yes, instead of denying when it said no',
  },
  'identity-header-passed': {
    any: 'delete or overwrite these headers before a request goes on, in every spelling', nginx: '`proxy_set_header NAME "";` for each of them where `proxy_pass` stands (a location with any proxy_set_header of its own inherits none), and leave `underscores_in_headers off`',
    haproxy: '`http-request del-header NAME`, and for spellings with underscores `http-request del-header … -m reg`, as `latchkey front-end config haproxy` prints', apache: '`RequestHeader unset NAME early`', caddy: '`request_header -NAME` before `reverse_proxy`',
  },
  'agent-not-in-force': { any: 'look at `latchkey front-end status`, and at the output of the agent beside it' },
}

export const mendOf = (code: FindingCode, kind: string): string => {
  const words = mends[code]
  return Object.hasOwn(words, kind) ? words[kind]! : words.any
}
