import { addressOf, identityHeaders, placeOf, type ConfigurationValues } from './values.ts'

/** Of what RFC 9110 §5.6.2 lets stand in the name of a header, all but letters, digits and the hyphen. */
const strange = [..."_.~!#$%&'*+^|`"]

/** A whole Caddyfile, for Caddy 2.6 and later: it asks Latchkey about every request, and knows no revocation lists. */
export function caddyConfiguration(values: ConfigurationValues): string {
  const { frontEnd, listen, certificate, certificateKey, files, backend, latchkey, streamLimitSeconds } = values
  const { isTls } = placeOf(latchkey)
  const { host, port } = addressOf(listen, 443)
  const deleted = [...identityHeaders.filter(name => !name.startsWith('Latchkey-')), 'Latchkey-*'].map(name => `\t\trequest_header -${name}\n`).join('')
  return `# Caddy (2.6 or later) in front of a server that only phones with a good certificate may reach.
# Front end ${frontEnd} of Latchkey, which is asked about every request. This is a whole Caddyfile.
#
# Caddy must have been built with Go 1.22 or later; \`caddy build-info\` says with which. An older one (Debian 12 has 2.6.2 with
# Go 1.19) cannot read how the certificates of phones say how good their evidence is, and refuses every phone at the
# handshake.
#
# Before Caddy is started:
#   ${files}/issuing.pem        the issuing CA, and nothing else:
#     curl -s ${latchkey}/ca/chain.pem | openssl x509 > ${files}/issuing.pem
#     Compare its SHA-256 (openssl x509 -noout -fingerprint -sha256 -in …) with \`latchkey authority show\`.
#   ${files}/caddy-secret.env   mode 0600, one line: LATCHKEY_CHECK_SECRET=SECRET
#     with what \`latchkey front-end add ${frontEnd} --kind caddy\` printed. \`systemctl edit caddy\` makes Caddy read it:
#       [Service]
#       EnvironmentFile=${files}/caddy-secret.env
#     Caddy started without it lets nobody in (403).
#
# Whoever reaches Caddy's admin API (localhost:2019) can change all of this. On a machine that others use, put
# \`admin off\` into the first block; Caddy is then restarted, not reloaded.

{
	# The certificate below is given, so none is fetched, and nothing listens on port 80.
	auto_https off
	servers {
		# Not h3: its requests may be sent again by somebody who recorded them.
		protocols h1 h2
		# Every name that a client may ask for is answered by the one site below, with the same demand for a certificate.
		strict_sni_host insecure_off
		timeouts {
			read_header 10s
			idle 60s
			# How long one request may run: a request that is running when its phone is revoked ends only then (the mail
			# protocol's long polls included).
			write ${streamLimitSeconds}s
		}
	}
}

# No name and no address before the port: the demand for a certificate would be for that name alone.
https://:${port} {
${host === '' ? '' : `\tbind ${host.includes(':') ? `[${host}]` : host}\n`}	# Caddy goes by the name that the client asks for; one that asks by none, for an address alone, gets no certificate.
	tls ${certificate} ${certificateKey} {
		protocols tls1.2 tls1.3
		client_auth {
			# No certificate, or one of another CA: no handshake. Caddy takes what stands here for the end of the chain, so the
			# root must not: then certificates of every CA under it would pass. During a change of the issuing CA both
			# stand here, each in a line and a file of its own.
			mode require_and_verify
			trusted_ca_cert_file ${files}/issuing.pem
		}
	}

	# In the order in which it is written.
	route {
		# Nothing that the client says about certificates gets any further, in spellings that some servers take for the same
		# (with an underscore for a hyphen, or anything else that is neither letter nor digit) neither.
${strange.map(character => `\t\trequest_header "-*${character}*"\n`).join('')}${deleted}
		# Asked on every request: connections that are open, and sessions that were resumed, are refused as well. Caddy
		# resumes sessions, and that is safe only because of this.
		#
		# 200 passes. Everything else is answered to the client as it is: 403 refuses, and 503 says that nobody can be sure.
		# Where Latchkey does not answer at all Caddy says 502, where it takes too long 504. Nobody is let in by an outage.
		forward_auth ${latchkey} {
			uri /check/${frontEnd}
${isTls ? '\t\t\theader_up Host {http.reverse_proxy.upstream.hostport}\n' : ''}\t\t\theader_up Authorization "Bearer {env.LATCHKEY_CHECK_SECRET}"
			header_up X-SSL-Client-Cert {http.request.tls.client.certificate_der_base64}
			# X-Forwarded-Uri and the User-Agent go along, for \`latchkey front-end activesync\`; what the client proves itself
			# with to the back end does not.
			header_up -Cookie
			transport http {
				dial_timeout 1s
				response_header_timeout 2s
			}
			# Somebody's own question whether a good certificate gets here, which Latchkey refuses like any that opens nothing.
			# It is answered here, and never passed on.
			@canary header Latchkey-Decision canary
			handle_response @canary {
				respond canary 200
			}
			# Who the client is, as Latchkey said.
			copy_headers Latchkey-Decision Latchkey-Device Latchkey-Person Latchkey-Serial
		}

		reverse_proxy ${backend} {
			transport http {
				dial_timeout 2s
				response_header_timeout ${streamLimitSeconds}s
			}
		}
	}
}
`
}
