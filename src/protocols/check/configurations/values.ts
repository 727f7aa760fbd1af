/** What a printed configuration needs to know of the machine it is for. */
export type ConfigurationValues = {
  /** Name of the front end. */
  readonly frontEnd: string
  /** What it listens on, as the front end writes it. */
  readonly listen: string
  /** PEM of the server's own certificate and chain; for HAProxy with the key in the same file. */
  readonly certificate: string
  readonly certificateKey: string
  /** Where the agent keeps the files that the configuration names. */
  readonly files: string
  /** Where the front end and its agent meet while they run: sockets, and files that are read for every request. */
  readonly run: string
  /** What is protected: host:port. */
  readonly backend: string
  /** Where Latchkey is, for a front end that asks it: `https://host` or `http://host:port`. */
  readonly latchkey: string
  /** Where the issuing CA's OCSP responder is, for one that asks it: plain http. */
  readonly ocsp: string
  /** How long one request may run, in seconds: where it cannot be cut, that of a revoked phone ends only then. */
  readonly streamLimitSeconds: number
}

/** Where the agent and its front end meet, unless somebody wants it elsewhere. */
export const agentPlaces = { files: '/var/lib/latchkey-agent/files', run: '/run/latchkey-agent', folder: '/var/lib/latchkey-agent' } as const

/** Where the files of a front end without an agent are, unless somebody wants them elsewhere. */
export const checkFiles = '/etc/latchkey'

/** `443`, `:443`, `192.0.2.1:443`, `[::1]:443` or `host`; an empty host is every address, and brackets are left out. */
export function addressOf(text: string, defaultPort: number): { readonly host: string, readonly port: number } {
  const [, host = '', port = defaultPort] = /^(?:(.+):)?:?(\d+)$/.exec(text) ?? ['', text]
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** The address of Latchkey, as front ends want its parts. */
export function placeOf(latchkey: string): { readonly isTls: boolean, readonly hostname: string, readonly hostAndPort: string } {
  const { protocol, hostname, port } = new URL(latchkey)
  const isTls = protocol === 'https:'
  return { isTls, hostname, hostAndPort: `${hostname}:${port === '' ? isTls ? 443 : 80 : port}` }
}

/** Every header in which a back end might be told of a client certificate: none of them is passed on from the client. */
export const identityHeaders = [
  'Client-Cert', 'Client-Cert-Chain', 'X-Client-Cert', 'X-Client-Certificate', 'X-Forwarded-Client-Cert', 'X-Forwarded-Tls-Client-Cert',
  'X-Forwarded-Tls-Client-Cert-Info', 'X-ARR-ClientCert', 'X-SSL-Cert', 'SSL-Client-Cert', 'X-SSL-Client-Cert', 'X-SSL-Client-Escaped-Cert',
  'X-SSL-Client-Serial', 'X-SSL-Client-Fingerprint', 'X-SSL-Client-SHA1', 'X-SSL-Client-Verify', 'X-SSL-Client-DN', 'X-SSL-Client-S-DN',
  'X-SSL-Client-I-DN', 'Latchkey-Decision', 'Latchkey-Device', 'Latchkey-Person', 'Latchkey-Serial',
] as const
