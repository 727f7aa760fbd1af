/** What mends a finding, in the words of the program that terminates TLS. */
import type { FindingCode } from './findings.ts'

type Words = { readonly any: string } & Readonly<Record<string, string>>

const perRequest: Words = {
  any: 'let it ask on every request: /check, or what its agent keeps (compare with what `latchkey front-end config` prints for it)',
  nginx: 'check on every request: `auth_request` to /check, or the Lua block that `latchkey front-end config nginx` prints, in every location',
  haproxy: 'check on every request: `http-request deny … if { var(txn.serial),map(…/revoked.map) -m found }` with `latchkey agent`, as `latchkey front-end config haproxy` prints',
  caddy: 'check on every request: `forward_auth` to /check, before any other handler of the site',
  stunnel: 'give `CRLpath` the folder that `latchkey agent` keeps, and see that the agent runs',
}
const lists: Words = {
  any: 'load the lists of /crl/bundle.pem again, and have them loaded whenever they change (`latchkey agent`)',
  nginx: 'set `ssl_crl` to the file that the agent (or docs/nginx/latchkey-fetch-bundle.sh) writes, and see that nginx is reloaded when it changes',
  haproxy: 'give `crl-file` the file lists.pem that the agent writes, and see that the agent runs',
  apache: 'set `SSLCARevocationFile` to the file lists.pem that the agent writes with `SSLCARevocationCheck chain`, and see that Apache is reloaded when it changes',
  stunnel: 'give `CRLpath` the folder that `latchkey agent` keeps, and see that the agent runs',
}
const wholeBundle: Words = {
  any: 'replace the whole file by /crl/bundle.pem, which has the list of the root and every partition: `latchkey agent` does, and docs/nginx/latchkey-fetch-bundle.sh',
}
const onlyOurs: Words = {
  any: 'hold clients against the issuing CA and its root only, with lists for both: a CA under the same root has none, and is refused then',
  nginx: 'set `ssl_verify_client on` (never optional_no_ca), `ssl_client_certificate` to issuing CA and root (/ca/chain.pem, or the agent’s ca.pem), and `ssl_crl` to the lists of both',
  haproxy: 'on the bind line: `ca-file …/ca.pem verify required crl-file …/lists.pem`, without crt-ignore-err and ca-ignore-err',
  apache: '`SSLVerifyClient require`, `SSLCACertificateFile` with issuing CA and root only, and `SSLCARevocationCheck chain` without no_crl_for_cert_ok',
  caddy: '`client_auth` with `mode require_and_verify` and the issuing CA (not the root) as the only trusted one',
  stunnel: '`requireCert = yes`, `verifyChain = yes`, `CAfile` with issuing CA and root only, and `CRLpath`',
}
const looksAlike: Words = { any: 'load /crl/bundle.pem as it is: the list of the root and all partitions of one moment, and neither a delta nor the complete list of an issuing CA beside them' }

const mends: Readonly<Record<FindingCode, Words>> = {
  'certificate-optional': {
    any: 'demand a certificate in the handshake, for every address that it serves', nginx: '`ssl_verify_client on;` in every server block of this address, the default one included',
    haproxy: '`verify required` on every bind line of this address', apache: '`SSLVerifyClient require` in every virtual host of this address, not per location',
    caddy: '`client_auth { mode require_and_verify … }` for every site of this address', stunnel: '`requireCert = yes` and `verifyChain = yes`',
  },
  'server-certificate': { any: 'let the server send its own certificate, for this name, with every CA between it and a root that phones trust' },
  'accepted-issuers-missing': {
    any: 'let the server name the issuing CA among those it accepts: phones choose their certificate by it',
    nginx: 'put issuing CA and root into `ssl_client_certificate` (not only into `ssl_trusted_certificate`)', haproxy: 'put issuing CA and root into `ca-file`',
    apache: 'put issuing CA and root into `SSLCACertificateFile`, and leave out `SSLCADNRequestFile`',
  },
  'accepted-issuers-foreign': onlyOurs, 'self-made-ca-accepted': onlyOurs, 'foreign-ca-accepted': onlyOurs,
  'good-refused': {
    any: 'look, in this order, at: the list of the root in what it loads, the lists of every partition, their nextUpdate, its clock, the CAs it trusts, '
      + 'what checks each request (`--bundle FILE` looks into the lists)',
  },
  'list-missing': wholeBundle, 'root-list-missing': wholeBundle, 'partition-list-missing': wholeBundle, 'bundle-damaged': wholeBundle,
  'list-ended': lists, 'list-behind': lists, 'delta-in-bundle': looksAlike, 'complete-list-in-bundle': looksAlike,
  'list-ends-soon': {
    any: 'see why no newer list is there: at the service its log says why it does not sign, at the front end see that `latchkey agent` (or the script that fetches) runs. '
      + 'A root’s list is made by `latchkey authority root-crl`',
  },
  'front-end-stale': { any: 'start `latchkey agent run` beside it, or see in its output why it has not loaded the front end: until then everybody is refused' },
  'revoked-new-connection': perRequest, 'revoked-keep-alive': perRequest,
  'revoked-resumed': {
    any: `switch the resumption of sessions off, and ${perRequest.any}`, nginx: `\`ssl_session_cache off; ssl_session_tickets off;\`, and ${perRequest['nginx']}`,
    haproxy: `\`tune.ssl.cachesize 0\` and \`no-tls-tickets\`, both, and ${perRequest['haproxy']}`, caddy: perRequest['caddy']!,
    apache: '`SSLSessionCache none` and `SSLSessionTickets off`, and a check of every request', stunnel: '`sessionResume = no` and `options = NO_TICKET`, both',
  },
  'resumption-on': {
    any: 'switch the resumption of sessions off: a resumed session is not held against the lists', nginx: '`ssl_session_cache off; ssl_session_tickets off;`',
    haproxy: '`tune.ssl.cachesize 0` in the global section and `no-tls-tickets` in ssl-default-bind-options: only both together end it',
    apache: '`SSLSessionCache none` and `SSLSessionTickets off`', stunnel: '`sessionResume = no` and `options = NO_TICKET`, both',
    caddy: 'let it ask /check on every request (`forward_auth`): Caddy’s own file cannot switch sessions off',
  },
  'revocation-late': { any: 'find what is slow: an agent that polls instead of following, a script that fetches the lists now and then, or an answer that is kept' },
  'check-cached': {
    any: 'keep no answer of /check, which says no-store',
    nginx: 'take `proxy_cache`, `proxy_cache_valid` and `proxy_ignore_headers Cache-Control` out of the location that asks /check',
  },
  'open-on-outage': {
    any: 'refuse when /check does not answer, or answers with 5xx', envoy: '`failure_mode_allow: false`', haproxy: 'deny unless the check said yes, instead of denying when it said no',
    nginx: 'take `error_page` for 500 to 504, `proxy_intercept_errors` and `proxy_cache_use_stale` out of the location that asks /check, and `error_page 500` out of what is protected',
  },
  'identity-header-passed': {
    any: 'delete or overwrite these headers before a request goes on, in every spelling',
    nginx: '`proxy_set_header NAME "";` for each of them where `proxy_pass` stands (a location with any proxy_set_header of its own inherits none), and leave `underscores_in_headers off`',
    haproxy: '`http-request del-header NAME`, and for spellings with underscores `http-request del-header … -m reg`, as `latchkey front-end config haproxy` prints',
    apache: 'delete them in what is asked on every request, as `latchkey front-end config apache` prints', caddy: '`request_header -NAME` and `request_header -*_*` before `reverse_proxy`',
  },
  'agent-not-in-force': { any: 'look at `latchkey front-end status`, and at the output of the agent beside it' },
}

export const mendOf = (code: FindingCode, kind: string): string => {
  const words = mends[code]
  return Object.hasOwn(words, kind) ? words[kind]! : words.any
}
