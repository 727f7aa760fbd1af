import { addressOf, identityHeaders, type ConfigurationValues } from './values.ts'

/** Two files for Traefik 3, as documents of one: it asks Latchkey about every request, and knows no revocation lists. Not run. */
export function traefikConfiguration(values: ConfigurationValues): string {
  const { frontEnd, listen, certificate, certificateKey, files, backend, latchkey, streamLimitSeconds } = values
  const address = addressOf(listen, 443)
  const emptied = identityHeaders.map(name => `          ${name}: ""\n`).join('')
  return `# NOT RUN: written from Traefik's documentation and sources. No test has started Traefik with it; what it sends to Latchkey was
# tested in the form that Traefik documents. Try it out before you rely on it: a revoked phone, on an open connection too.
#
# Traefik (3, built with Go 1.22 or later: an older one cannot read how the certificates of phones say how good their evidence
# is, and refuses all of them) in front of a server that only phones with a good certificate may reach. Front end ${frontEnd}
# of Latchkey, which is asked about every request. These are two files, each beginning with its name.
#
#   ${files}/issuing.pem          the issuing CA, and nothing else:
#     curl -s ${latchkey}/ca/chain.pem | openssl x509 > ${files}/issuing.pem
#     Compare its SHA-256 (openssl x509 -noout -fingerprint -sha256 -in …) with \`latchkey authority show\`.
#   ${files}/traefik-secret.env   mode 0600, one line: LATCHKEY_CHECK_SECRET=SECRET
#     with what \`latchkey front-end add ${frontEnd} --kind traefik\` printed. The service's unit reads it with EnvironmentFile=;
#     a Traefik that was started without it lets nobody in (403).
#
# A canary (somebody's question whether a good certificate gets here) is refused with 403 like any that opens nothing. It is
# not passed on, and not answered 200 as others do.
# Traefik passes on headers with underscores. A back end must not take them for the same as with hyphens.

# ── ${files}/traefik.yaml
entryPoints:
  phones:
    address: "${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}"
    transport:
      respondingTimeouts:
        idleTimeout: 60s
        # How long one request may run: one that is running when its phone is revoked ends only then (the mail protocol's long
        # polls included).
        readTimeout: ${streamLimitSeconds}s
        writeTimeout: ${streamLimitSeconds}s
providers:
  file:
    filename: "${files}/traefik-phones.yaml"

---
# ── ${files}/traefik-phones.yaml
tls:
  certificates:
  - certFile: "${certificate}"
    keyFile: "${certificateKey}"
  stores:
    default:
      defaultCertificate:
        certFile: "${certificate}"
        keyFile: "${certificateKey}"
  options:
    # Counts for every name that a client may ask for.
    default:
      minVersion: VersionTLS12
      clientAuth:
        # No certificate, or one of another CA: no handshake. Traefik takes what stands here for the end of the chain, so the root
        # must not: then certificates of every CA under it would pass.
        caFiles: ["${files}/issuing.pem"]
        clientAuthType: RequireAndVerifyClientCert
http:
  routers:
    phones:
      entryPoints: [phones]
      rule: "PathPrefix(\`/\`)"
      service: protected
      # In this order.
      middlewares: [latchkey-strip, latchkey-certificate, latchkey-check, latchkey-bare]
      tls: {}
  middlewares:
    # Nothing that the client says about certificates gets any further.
    latchkey-strip:
      headers:
        customRequestHeaders:
${emptied}\
    latchkey-certificate:
      passTLSClientCert:
        pem: true
    # Asked on every request: connections that are open, and sessions that were resumed, are refused as well. Anything but 200 is
    # answered to the client as it is; where Latchkey does not answer Traefik says 500. Nobody is let in by an outage.
    latchkey-check:
      forwardAuth:
        # Traefik fills in the secret when it reads this file.
        address: '${latchkey.replace('://', `://${frontEnd}:{{ env "LATCHKEY_CHECK_SECRET" }}@`)}/check/${frontEnd}'
        # X-Forwarded-Uri is set by Traefik itself, for \`latchkey front-end activesync\`.
        trustForwardHeader: false
        authRequestHeaders: [X-Forwarded-Tls-Client-Cert, User-Agent]
        # Who the client is, as Latchkey said.
        authResponseHeaders: [Latchkey-Decision, Latchkey-Device, Latchkey-Person, Latchkey-Serial]
    latchkey-bare:
      headers:
        customRequestHeaders:
          X-Forwarded-Tls-Client-Cert: ""
  services:
    protected:
      loadBalancer:
        servers:
        - url: "http://${backend}"
`
}
