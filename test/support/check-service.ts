/** A service that a front end asks, with the certificates that must, and must not, get past it. */
import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { activeAuthority, chainOf } from '../../src/certificates/authority.ts'
import { days, deviceCertificate, validityFrom } from '../../src/certificates/certificate-profile.ts'
import { issuingUnder } from '../../src/certificates/hierarchy.ts'
import { newSerialNumber } from '../../src/certificates/serial-number.ts'
import { toPem } from '../../src/formats/pem.ts'
import { signCertificate, type Certificate } from '../../src/formats/x509.ts'
import { issueCanaries } from '../../src/protocols/agents/issue.ts'
import { caRouter } from '../../src/protocols/ca/router.ts'
import { conventionFor, type FrontEndKind } from '../../src/protocols/check/kinds.ts'
import { checkHandler } from '../../src/protocols/check/handler.ts'
import { crlRouter } from '../../src/protocols/crl/router.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { newKey, requestOf } from './agent.ts'
import { fakeClock, type FakeClock } from './clock.ts'
import { listen } from './listen.ts'
import { testService, type TestService } from './service.ts'
import type { Identity } from './tls-client.ts'

export const checkSecret = 'a-secret-of-the-front-end'

/** With a front end named `edge`. Front ends have the real clock; this one begins an hour earlier, so that it can move without getting ahead. */
export async function checkService(t: ExecutionContext<any>, kind: FrontEndKind, clock: FakeClock = fakeClock(new Date(Date.now() - 3_600_000).toISOString())): Promise<{ service: TestService, latchkey: string }> {
  const service = await testService(t, { clock })
  await frontEndStore(service.db).add({
    id: randomUUID(), name: 'edge', kind, convention: conventionFor(kind, null), authorityId: null,
    maxAgeSeconds: 900, whenStale: 'refuse', secretSha256: createHash('sha256').update(checkSecret).digest(), createdAt: service.now(),
  })
  await service.publish()
  return { service, latchkey: await listen(t, [crlRouter(service), caRouter(service), checkHandler(service)]) }
}

/** A certificate of another CA under our root, with the chain that proves it. */
export async function foreignIdentity({ keyring, addresses, config, authorities, now }: TestService): Promise<Identity> {
  const root = activeAuthority(authorities(), 'root')
  const foreign = await issuingUnder({ keyring, addresses, rootCrlUrl: 'http://pki.example/root.crl', organization: 'Elsewhere', keyType: config.keyType }, root, 1, now())
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { authority: { ...activeAuthority(authorities(), 'issuing'), certificate: foreign.certificate, key: foreign.key }, addresses, partition: 0 }
  const subject = { serialNumber: newSerialNumber(), subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }), validity: validityFrom(now(), days(30)) }
  const leaf = await signCertificate(deviceCertificate(subject, issuer, { deviceId: randomUUID(), name: 'x', email: 'x@example.org', policies: ['2.25.1'] }), keyring.signer(foreign.key))
  return identityOf([leaf, foreign.certificate.raw], privateKey)
}

/** What the agent of a front end, or anybody who tries it out, shows: one that is good, and one that is revoked. */
export async function canaryIdentities(service: TestService, name = 'edge'): Promise<{ good: Identity, revoked: Identity }> {
  const frontEnd = (await frontEndStore(service.db).find(name))!
  const [good, revoked] = [newKey(), newKey()]
  const issued = await issueCanaries(service, frontEnd, { good: await requestOf(good), revoked: await requestOf(revoked) })
  const chain = chainOf(service.authorities(), activeAuthority(service.authorities(), 'issuing')).map(({ certificate }) => certificate.raw)
  const identity = (certificate: Certificate, key: KeyObject): Identity => identityOf([certificate.raw, ...chain], key)
  return { good: identity(issued.good, good), revoked: identity(issued.revoked, revoked) }
}

const identityOf = (chain: readonly Buffer[], privateKey: KeyObject): Identity =>
  ({ pem: chain.map(der => toPem('CERTIFICATE', der)).join(''), privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string })
