import { addressOf, type ConfigurationValues } from './values.ts'

/** A whole radiusd.conf for Wi-Fi by EAP-TLS, for FreeRADIUS 3.2: it asks Latchkey's OCSP responder at every handshake. */
export function freeradiusConfiguration({ listen, certificate, certificateKey, files, ocsp, latchkey, streamLimitSeconds }: ConfigurationValues): string {
  const { host, port } = addressOf(listen, 1812)
  return `# FreeRADIUS (3.2) before a Wi-Fi that only phones with a good certificate may join (WPA2 or WPA3 Enterprise, EAP-TLS).
# It asks Latchkey's OCSP responder at every handshake. This is a whole radiusd.conf: on Debian it is
# /etc/freeradius/3.0/latchkey.conf, and /etc/default/freeradius says FREERADIUS_OPTIONS="-n latchkey".
#
# In ${files}, readable by the group freerad:
#   chain.pem             the issuing CA and its root, from ${latchkey}/ca/chain.pem: compare with \`latchkey authority show\`
#   radius-clients.conf   mode 0640, the access points and what they prove themselves with, each like
#     client office {
#       ipaddr = 192.0.2.0/24
#       secret = a long random word
#       require_message_authenticator = yes
#     }
#
# What follows from how it works:
#   - A phone that is revoked is refused at its next handshake, from the commit of the revocation on.
#   - While Latchkey's OCSP responder does not answer, nobody joins. Whoever has joined stays until Session-Timeout.
#   - A session that is running when its phone is revoked goes on until Session-Timeout, where the access point heeds it:
#     then the phone has to do the whole handshake again.
#   - After a change of the issuing CA this file names the new one, and phones with certificates of the one before are refused:
#     change it when they have been renewed, or set override_cert_url = no meanwhile. Then each certificate says itself
#     whom to ask, and so does one of any other CA under the same root.

prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = /etc/freeradius/3.0
name = freeradius
run_dir = /run/freeradius
pidfile = \${run_dir}/latchkey.pid
logdir = /var/log/freeradius
max_request_time = 30

log {
	destination = syslog
	syslog_facility = daemon
	auth = yes
}

security {
	user = freerad
	group = freerad
	allow_core_dumps = no
	max_attributes = 200
	reject_delay = 1
	status_server = no
}

thread pool {
	start_servers = 2
	max_servers = 32
	min_spare_servers = 2
	max_spare_servers = 8
	max_requests_per_server = 0
}

# Nothing is passed on to another server.
proxy_requests = no

$INCLUDE ${files}/radius-clients.conf

modules {
	always reject {
		rcode = reject
	}

	eap {
		default_eap_type = tls
		timer_expire = 60
		ignore_unknown_eap_types = no
		max_sessions = 4096

		tls-config latchkey {
			certificate_file = ${certificate}
			private_key_file = ${certificateKey}
			ca_file = ${files}/chain.pem
			cipher_list = "DEFAULT"
			ecdh_curve = ""
			tls_min_version = "1.2"
			# FreeRADIUS itself advises against 1.3 in EAP.
			tls_max_version = "1.2"
			fragment_size = 1024

			# A resumed session is not asked about again.
			cache {
				enable = no
			}

			ocsp {
				enable = yes
				# The responder below and no other, whatever a certificate says: it answers for one issuing CA alone, so that a
				# certificate of another CA under the same root is refused.
				override_cert_url = yes
				url = "${ocsp}"
				# An answer is for this question, and not an old one that somebody kept.
				use_nonce = yes
				timeout = 3
				# Who gets no answer does not get in.
				softfail = no
			}
		}

		tls {
			tls = latchkey
			virtual_server = latchkey-certificate
		}
	}
}

server latchkey {
	listen {
		type = auth
		${host.includes(':') ? 'ipv6addr' : 'ipaddr'} = ${host === '' ? '*' : host}
		port = ${port}
	}

	# Whatever is not EAP finds no way to prove itself, and is rejected.
	authorize {
		eap
	}

	authenticate {
		eap
	}

	post-auth {
		update reply {
			&Session-Timeout := ${streamLimitSeconds}
			&Termination-Action := RADIUS-Request
		}
		Post-Auth-Type REJECT {
			eap
		}
	}
}

# Asked when the certificate has been found good.
server latchkey-certificate {
	authorize {
		# With these agents try out front ends: they are good, and open nothing.
		if (&TLS-Client-Cert-Common-Name == "Latchkey canary") {
			reject
		}
		update config {
			&Auth-Type := Accept
		}
	}
}
`
}
