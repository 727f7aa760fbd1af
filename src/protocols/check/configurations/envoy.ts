import { addressOf, identityHeaders, placeOf, type ConfigurationValues } from './values.ts'

/** Two files for Envoy 1.27 and later, as documents of one: it asks Latchkey about every request, and refuses by the lists at the handshake. Not run. */
export function envoyConfiguration(values: ConfigurationValues): string {
  const { frontEnd, listen, certificate, certificateKey, files, backend, latchkey, streamLimitSeconds } = values
  const [address, server, place] = [addressOf(listen, 443), addressOf(backend, 80), placeOf(latchkey)]
  const removed = identityHeaders.filter(name => name !== 'X-Forwarded-Client-Cert').map(name => `              - remove: "${name.toLowerCase()}"\n`).join('')
  return `# NOT RUN: written from Envoy's documentation and sources. No test has started Envoy with it; what it sends to Latchkey was tested
# in the form that Envoy documents. Try it out before you rely on it: a revoked phone, on an open connection too.
#
# Envoy (1.27 or later) in front of a server that only phones with a good certificate may reach. Front end ${frontEnd} of
# Latchkey, which is asked about every request. These are two files, each beginning with its name.
#
# In ${files}:
#   chain.pem      the issuing CA and its root, from ${latchkey}/ca/chain.pem: compare with \`latchkey authority show\`
#   bundle.pem     the revocation lists: docs/nginx/latchkey-fetch-bundle.sh brings and renews them, with NGINX_TEST=true
#                  NGINX_RELOAD=true. It replaces the file by a rename, which is what Envoy watches for
#   check-secret   mode 0600, what \`latchkey front-end add ${frontEnd} --kind envoy\` printed. Envoy reads no secret of this kind
#                  from a file, so the first file below is filled in before each start, into a folder of Envoy's own:
#                    umask 077; sed "s|@SECRET@|$(cat ${files}/check-secret)|" ${files}/envoy.yaml > /run/envoy/envoy.yaml
#
# A canary (somebody's question whether a good certificate gets here) is refused with 403 like any that opens nothing. It
# is not passed on, and not answered 200 as others do.

# ── ${files}/envoy.yaml
static_resources:
  listeners:
  - name: phones
    address: { socket_address: { address: "${address.host === '' ? '0.0.0.0' : address.host}", port_value: ${address.port} } }
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          # No certificate, or one of another CA: no handshake. Certificates of another CA under the same root fail too, for
          # there is no list of that CA.
          require_client_certificate: true
          # A resumed session walks past the lists. Each request is asked about all the same.
          disable_stateless_session_resumption: true
          disable_stateful_session_resumption: true
          common_tls_context:
            alpn_protocols: ["h2", "http/1.1"]
            tls_params: { tls_minimum_protocol_version: TLSv1_2 }
            tls_certificates:
            - certificate_chain: { filename: "${certificate}" }
              private_key: { filename: "${certificateKey}" }
            # Only what comes so is read again when the lists are replaced.
            validation_context_sds_secret_config:
              name: phones
              sds_config: { path_config_source: { path: "${files}/validation.yaml" }, resource_api_version: V3 }
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: phones
          # What the client says of its certificate in this header is replaced by what Envoy knows.
          forward_client_cert_details: SANITIZE_SET
          set_current_client_cert_details: { cert: true }
          common_http_protocol_options:
            # Spellings that some servers take for the same as with hyphens.
            headers_with_underscores_action: REJECT_REQUEST
            idle_timeout: 60s
            # How long one request may run: one that is running when its phone is revoked ends only then (the mail protocol's
            # long polls included).
            max_stream_duration: ${streamLimitSeconds}s
          stream_idle_timeout: ${streamLimitSeconds}s
          request_headers_timeout: 10s
          http_filters:
          # Nothing else that the client says about certificates gets any further.
          - name: envoy.filters.http.header_mutation
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
              mutations:
                request_mutations:
${removed.replaceAll(/^ {14}/gm, '                ')}\
          # Asked on every request: connections that are open are refused as well.
          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              transport_api_version: V3
              # Where Latchkey does not answer, or is not sure, nobody passes (403).
              failure_mode_allow: false
              # The address that is asked for goes along behind the prefix, for \`latchkey front-end activesync\`.
              allowed_headers:
                patterns:
                - exact: "x-forwarded-client-cert"
                - exact: "user-agent"
              http_service:
                server_uri: { uri: "${latchkey}", cluster: latchkey, timeout: 2s }
                path_prefix: "/check/${frontEnd}"
                authorization_request:
                  headers_to_add:
                  - { key: "authorization", value: "Bearer @SECRET@" }
                authorization_response:
                  # Who the client is, as Latchkey said.
                  allowed_upstream_headers:
                    patterns:
                    - prefix: "latchkey-"
                  allowed_client_headers:
                    patterns:
                    - prefix: "latchkey-"
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              request_headers_to_remove: ["x-forwarded-client-cert"]
              routes:
              - match: { prefix: "/" }
                route: { cluster: protected, timeout: ${streamLimitSeconds}s }
  clusters:
  - name: protected
    type: STRICT_DNS
    connect_timeout: 2s
    load_assignment:
      cluster_name: protected
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: "${server.host}", port_value: ${server.port} } } }
  - name: latchkey
    type: STRICT_DNS
    connect_timeout: 1s
    load_assignment:
      cluster_name: latchkey
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: "${addressOf(place.hostAndPort, 80).host}", port_value: ${addressOf(place.hostAndPort, 80).port} } } }
${place.isTls ? tlsTo(place.hostname) : ''}
---
# ── ${files}/validation.yaml
resources:
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: phones
  validation_context:
    trusted_ca: { filename: "${files}/chain.pem" }
    # The second fence, and of every CA in the chain: without one, or with one that has ended, nobody gets in.
    crl: { filename: "${files}/bundle.pem" }
    watched_directory: { path: "${files}" }
`
}

const tlsTo = (hostname: string): string => `    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: "${hostname}"
        common_tls_context:
          validation_context:
            trusted_ca: { filename: "/etc/ssl/certs/ca-certificates.crt" }
            match_typed_subject_alt_names:
            - { san_type: DNS, matcher: { exact: "${hostname}" } }
`
