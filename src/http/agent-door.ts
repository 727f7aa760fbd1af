/**
 * Mutual TLS for agents: a server that shows a certificate of the agents' CA, and takes clients of that CA alone. Who
 * shows none gets in as well, for an agent that enrolls has none yet; what else is shut to it is the router's to say
 * (`protocols/agents/door.ts`).
 */
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { agentAuthorities, doorAuthority } from '../certificates/agent-authorities.ts'
import { agentDoorCertificate, days, validityFrom } from '../certificates/certificate-profile.ts'
import { completeOurs, prepareOurs } from '../certificates/issue.ts'
import { agentDoorName } from '../formats/agent-door-name.ts'
import { toPem } from '../formats/pem.ts'
import { certificateStore } from '../store/certificates.ts'
import type { Service } from './service.ts'

const validityDays = 90
/** Long before it ends, so that a failed attempt is followed by others. */
const renewAfterMs = 7 * 86_400_000
/** How soon agents of a new CA are let in, beside the minute after which every instance knows of it. */
const lookEveryMs = 60_000

export type AgentDoor = { readonly server: Server, renewIfDue(): Promise<boolean> }

/** Not listening yet. It renews its certificate, and whom it lets in, as long as it is open. */
export async function agentDoor(service: Service, listener: RequestListener, limits: Pick<ServerOptions, 'requestTimeout' | 'headersTimeout' | 'maxHeaderSize'>): Promise<AgentDoor> {
  let shown = await identity(service)
  // Refused below instead, and only with a certificate that is no agent's.
  const server = createServer({ ...limits, ...shown.options, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' }, listener)
  server.on('secureConnection', socket => { if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) socket.destroy() })
  const renewIfDue = async (): Promise<boolean> => {
    if (service.now().getTime() - shown.since.getTime() < renewAfterMs && known(service) === shown.known) return false
    shown = await identity(service)
    server.setSecureContext(shown.options)
    return true
  }
  const looking = setInterval(() => {
    renewIfDue().catch((error: unknown) => { service.log('error', 'agent-door-not-renewed', { code: (error as { code?: string }).code ?? null }) })
  }, lookEveryMs)
  looking.unref()
  server.once('close', () => { clearInterval(looking) })
  return { server, renewIfDue }
}

type Shown = { readonly options: Pick<ServerOptions, 'pfx' | 'passphrase' | 'ca'>, readonly since: Date, readonly known: string }

async function identity(service: Service): Promise<Shown> {
  const now = service.now()
  const before = known(service)
  const authority = doorAuthority(service.authorities(), now)
  const key = await service.keyring.newLeafKey()
  const prepared = await prepareOurs({ keyring: service.keyring, addresses: service.addresses, reserve: service.reserve }, {
    authority, kind: 'signer', subjectPublicKeyInfo: key.subjectPublicKeyInfo, validity: validityFrom(now, days(validityDays), authority.certificate.notAfter), profile: agentDoorCertificate,
  }, now)
  await completeOurs(certificateStore(service.db), prepared)
  const passphrase = key.password
  const pfx = await key.toPkcs12({ certificate: prepared.certificate.raw, chain: [authority.certificate.raw], password: passphrase, scheme: 'aes256-sha256', friendlyName: agentDoorName })
  const ca = agentAuthorities(service.authorities(), now).map(({ certificate }) => toPem('CERTIFICATE', certificate.raw))
  return { options: { pfx, passphrase, ca }, since: now, known: before }
}

const known = (service: Service): string => agentAuthorities(service.authorities(), service.now()).map(({ id }) => id).join()
