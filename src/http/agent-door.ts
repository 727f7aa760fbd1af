/** Mutual TLS for agents: a server that shows a certificate of the agents' CA, and takes clients of that CA alone. */
import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { activeAuthority } from '../certificates/authority.ts'
import { agentDoorCertificate, agentDoorName, days, validityFrom } from '../certificates/certificate-profile.ts'
import { completeOurs, prepareOurs } from '../certificates/issue.ts'
import { toPem } from '../formats/pem.ts'
import { certificateStore } from '../store/certificates.ts'
import type { Service } from './service.ts'

const validityDays = 90
/** Long before it ends, so that a failed attempt is followed by others. */
const renewEveryMs = 7 * 86_400_000

/** Not listening yet. It renews its certificate as long as it is open. */
export async function agentDoor(service: Service, listener: RequestListener, limits: Pick<ServerOptions, 'requestTimeout' | 'headersTimeout' | 'maxHeaderSize'>): Promise<Server> {
  const server = createServer({ ...limits, ...await identity(service), requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' }, listener)
  const renewing = setInterval(() => {
    identity(service).then(context => { server.setSecureContext(context) })
      .catch((error: unknown) => { service.log('error', 'agent-door-not-renewed', { code: (error as { code?: string }).code ?? null }) })
  }, renewEveryMs)
  renewing.unref()
  server.once('close', () => { clearInterval(renewing) })
  return server
}

async function identity(service: Service): Promise<Pick<ServerOptions, 'pfx' | 'passphrase' | 'ca'>> {
  const now = service.now()
  const authority = activeAuthority(service.authorities(), 'agent')
  const key = await service.keyring.newLeafKey()
  const prepared = await prepareOurs({ keyring: service.keyring, addresses: service.addresses, reserve: certificateStore(service.db).reserve }, {
    authority, kind: 'signer', subjectPublicKeyInfo: key.subjectPublicKeyInfo, validity: validityFrom(now, days(validityDays), authority.certificate.notAfter), profile: agentDoorCertificate,
  }, now)
  await completeOurs(certificateStore(service.db), prepared)
  const passphrase = randomBytes(16).toString('hex')
  const pfx = key.toPkcs12({ certificate: prepared.certificate.raw, chain: [authority.certificate.raw], password: passphrase, scheme: 'aes256-sha256', friendlyName: agentDoorName })
  return { pfx, passphrase, ca: toPem('CERTIFICATE', authority.certificate.raw) }
}
