import type { ConfigurationValues } from './values.ts'

/** A whole stunnel.conf, for stunnel 5.60 and later with `latchkey agent` beside it. */
export function stunnelConfiguration({ frontEnd, listen, certificate, certificateKey, files, run, backend, streamLimitSeconds }: ConfigurationValues): string {
  return `; stunnel (5.60 or later) in front of a server that only phones with a good certificate may reach.
; Front end ${frontEnd} of Latchkey. Start \`latchkey agent run\` first: it writes ${files}/ca.pem, without
; which stunnel does not start, and the lists, without which it refuses everybody. On Debian this file is
; /etc/stunnel/latchkey.conf, run by \`systemctl enable --now stunnel@latchkey\`.
;
; stunnel sees connections, and no requests. What follows from that, compared with a front end for HTTP:
;   - A phone that is revoked is refused at its next connection, as soon as the list that has it is in the folder: a second or
;     so after the revocation, not at once.
;   - A connection that is open when its phone is revoked stays open. It ends when nothing was sent on it for
;     TIMEOUTidle. One that never rests ends with the process alone: \`systemctl restart stunnel@latchkey\` ends them all.
;   - While the agent runs and has heard nothing for too long, it takes the lists away, and nobody is let in until it has heard
;     again. When the agent itself is gone nobody does that: the lists count until they end (seven days after they
;     were signed, unless Latchkey was told otherwise), and then nobody is let in. See that the agent is restarted.
;   - The back end is not told who comes.
;   - Where the agent tries out whether a good certificate gets in, it closes right after the handshake: the back end may see a
;     connection on which nothing is sent.

foreground = yes
pid = ${run}/stunnel.pid

[phones]
accept = ${listen}
connect = ${backend}
cert = ${certificate}
key = ${certificateKey}
sslVersionMin = TLSv1.2

; No certificate, one of another CA, one that is on the lists: no handshake. Certificates of another CA under the same root
; fail too, for there is no list of that CA.
requireCert = yes
verifyChain = yes
CAfile = ${files}/ca.pem
; Read at every handshake: a list that is new in it counts without a reload.
CRLpath = ${files}/lists

; A resumed session walks past the lists, with TLS 1.3 for as long as the client likes. Only both lines together end that.
sessionResume = no
options = NO_TICKET

; A handshake takes no longer than this, and neither does an answer that is due.
TIMEOUTbusy = 30
TIMEOUTconnect = 2
TIMEOUTclose = 2
TIMEOUTidle = ${streamLimitSeconds}
`
}
