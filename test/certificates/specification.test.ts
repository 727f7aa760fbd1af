/** Every line of src/certificates/README.md, read from real output by python3-asn1crypto. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { activeAuthority, signersFor } from '../../src/certificates/authority.ts'
import { evidenceOids } from '../../src/devices/evidence.ts'
import { renewSigners } from '../../src/certificates/signers.ts'
import { signerStore } from '../../src/store/authorities.ts'
import { certificateStore } from '../../src/store/certificates.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import { crlFileStore } from '../../src/store/crls.ts'
import { holdNow, issueBootstrap, issueDevice, releaseNow, revokeNow } from '../support/issued.ts'
import { peer, run } from '../support/peers.ts'
import { newKey, requestOf } from '../support/agent.ts'
import { agentIssuer, issueCanaries } from '../../src/protocols/agents/issue.ts'
import { frontEndStore, type FrontEnd } from '../../src/store/front-ends.ts'
import { testService, type TestService } from '../support/service.ts'

type Ext = { oid: string, critical: boolean, value: any }
type Cert = {
  version: string, serialNumber: string, signatureAlgorithm: string, keyAlgorithm: string
  issuer: Record<string, string>, subject: Record<string, string>, notBefore: string, notAfter: string, extensions: Ext[]
}
type List = {
  version: string, signatureAlgorithm: string, issuer: Record<string, string>, thisUpdate: string, nextUpdate: string
  entries: { serialNumber: string, revocationDate: string, extensions: Ext[] }[], extensions: Ext[]
}
type Kind = 'root' | 'issuing' | 'enrollment' | 'device' | 'deviceRsa' | 'longName' | 'bootstrap' | 'ra' | 'enrollmentRa' | 'ocsp' | 'profileSigner' | 'profileSignerBefore' | 'agentCa' | 'agent' | 'canary'

const oid = {
  basicConstraints: '2.5.29.19', keyUsage: '2.5.29.15', extKeyUsage: '2.5.29.37', san: '2.5.29.17', ski: '2.5.29.14', aki: '2.5.29.35', crldp: '2.5.29.31',
  aia: '1.3.6.1.5.5.7.1.1', policies: '2.5.29.32', noCheck: '1.3.6.1.5.5.7.48.1.5', crlNumber: '2.5.29.20', idp: '2.5.29.28', delta: '2.5.29.27', freshest: '2.5.29.46', reason: '2.5.29.21',
}
const value = (of: { extensions: Ext[] }, id: string): any => of.extensions.find(extension => extension.oid === id)?.value
const publication = (list: List): bigint => BigInt(value(list, oid.crlNumber)) >> 64n
const change = (list: List): bigint => BigInt(value(list, oid.crlNumber)) % 2n ** 64n

const python = (script: string, der: Buffer, program: string): Promise<any> =>
  run(program, [new URL(`../support/${script}`, import.meta.url).pathname], { input: der }).then(({ stdout, stderr }) => {
    if (stdout.length === 0) throw new Error(stderr)
    return JSON.parse(stdout.toString())
  })

type Given = {
  service: TestService
  certs: Record<Kind, Cert>
  crls: Record<'root' | 'complete' | 'delta' | 'partition' | 'earlierPartition' | 'laterDelta', List>
  deviceId: string
}

async function given(t: ExecutionContext, program: string): Promise<Given> {
  const service = await testService(t, { config: { crlPartitions: 1 } })
  const device = await issueDevice(service, { email: 'ada@example.org', userPrincipalName: 'ada@corp.example' })
  const [deviceRsa, longName, bootstrap] = [await issueDevice(service, { keyType: 'rsa' }), await issueDevice(service, { name: 'ä'.repeat(70) }), await issueBootstrap(service)]
  await holdNow(service, longName)
  await revokeNow(service, deviceRsa, 'keyCompromise')
  await service.publish()
  const { all } = service.authorities()
  const before = signersFor(service.authorities(), all[1]!.id, 'profile-signer')[0]!.certificate.raw
  const issuing = activeAuthority(service.authorities(), 'issuing')
  const read = async (scope: 'complete' | 'delta' | 'partition', authorityId = issuing.id): Promise<List> => {
    const store = crlFileStore(service.db)
    return await python('crl-fields.py', (await store.read((await store.newest(authorityId, scope))!))!, program) as List
  }
  const [earlierPartition, complete, delta] = [await read('partition'), await read('complete'), await read('delta')]
  service.clock.advance(60)
  await revokeNow(service, device)
  await releaseNow(service, longName)
  await service.publish()
  await renewAll(service)
  const frontEnd = await edge(service)
  const agent = await agentIssuer(service)(frontEnd, await requestOf(newKey()))
  const { good: canary } = await issueCanaries(service, frontEnd, { good: await requestOf(newKey()), revoked: await requestOf(newKey()) })
  const signer = (purpose: Parameters<typeof signersFor>[2], role: 'issuing' | 'enrollment' = 'issuing'): Buffer =>
    signersFor(service.authorities(), activeAuthority(service.authorities(), role).id, purpose)[0]!.certificate.raw
  const ders: Record<Kind, Buffer> = {
    root: all[0]!.certificate.raw, issuing: all[1]!.certificate.raw, enrollment: all[2]!.certificate.raw, device: device.certificate.raw,
    deviceRsa: deviceRsa.certificate.raw, longName: longName.certificate.raw, bootstrap: bootstrap.certificate.raw, ra: signer('scep-ra'),
    enrollmentRa: signer('scep-ra', 'enrollment'), ocsp: signer('ocsp-responder'), profileSigner: signer('profile-signer'), profileSignerBefore: before,
    agentCa: all[3]!.certificate.raw, agent: agent.raw, canary: canary.raw,
  }
  const read1 = async ([kind, der]: [string, Buffer]) => [kind, await python('certificate-fields.py', der, program)] as const
  const certs = Object.fromEntries(await Promise.all(Object.entries(ders).map(read1))) as Record<Kind, Cert>
  const crls = { root: await read('complete', all[0]!.id), complete, delta, earlierPartition, partition: await read('partition'), laterDelta: await read('delta') }
  return { service, certs, crls, deviceId: device.deviceId }
}

async function edge({ db, now }: TestService): Promise<FrontEnd> {
  await frontEndStore(db).add({
    id: randomUUID(), name: 'edge', kind: 'nginx', convention: 'nginx', authorityId: null, maxAgeSeconds: 900, whenStale: 'refuse', secretSha256: Buffer.alloc(32), createdAt: now(),
  })
  return (await frontEndStore(db).find('edge'))!
}

async function renewAll(service: TestService): Promise<void> {
  const { keyring, addresses, config, db } = service
  await renewSigners({
    keyring, addresses, organization: config.organization, keyType: config.keyType, reserve: async reservation => { await reservationStore(db).add([reservation]) },
    transaction: async work => await db.transaction(async tx => await work({ ...signerStore(tx), complete: certificateStore(tx).complete })),
  }, service.authorities(), service.now(), true)
  await service.reload()
}

const seconds = (text: string): number => Date.parse(text) / 1000
const day = 86_400
const issuerOf: Record<Kind, Kind> = {
  root: 'root', issuing: 'root', enrollment: 'enrollment', device: 'issuing', deviceRsa: 'issuing', longName: 'issuing', bootstrap: 'enrollment', ra: 'issuing',
  enrollmentRa: 'enrollment', ocsp: 'issuing', profileSigner: 'issuing', profileSignerBefore: 'issuing', agentCa: 'agentCa', agent: 'agentCa', canary: 'issuing',
}
const extensionsOf: Record<string, (keyof typeof oid)[]> = {
  root: ['basicConstraints', 'keyUsage', 'ski'], enrollment: ['basicConstraints', 'keyUsage', 'ski'],
  issuing: ['basicConstraints', 'keyUsage', 'ski', 'aki', 'crldp', 'aia'],
  device: ['basicConstraints', 'keyUsage', 'extKeyUsage', 'san', 'policies', 'ski', 'aki', 'crldp', 'aia'],
  bootstrap: ['basicConstraints', 'keyUsage', 'extKeyUsage', 'ski', 'aki', 'crldp', 'aia'],
  ra: ['basicConstraints', 'keyUsage', 'ski', 'aki', 'crldp', 'aia'], enrollmentRa: ['basicConstraints', 'keyUsage', 'ski', 'aki', 'crldp', 'aia'],
  ocsp: ['basicConstraints', 'keyUsage', 'extKeyUsage', 'noCheck', 'ski', 'aki'],
  profileSigner: ['basicConstraints', 'keyUsage', 'extKeyUsage', 'ski', 'aki', 'crldp', 'aia'],
}
extensionsOf['agentCa'] = extensionsOf['root']!
extensionsOf['agent'] = ['basicConstraints', 'keyUsage', 'extKeyUsage', 'ski', 'aki']
extensionsOf['canary'] = extensionsOf['bootstrap']!
extensionsOf['deviceRsa'] = extensionsOf['longName'] = extensionsOf['device']!
extensionsOf['profileSignerBefore'] = extensionsOf['profileSigner']!
const each = (certs: Record<Kind, Cert>): [Kind, Cert][] => Object.entries(certs) as [Kind, Cert][]
const http = 'http://localhost:8080'
const accesses = (cert: Cert): [string, string][] => value(cert, oid.aia).map((item: any) => [item.access_method, item.access_location])

const checks: Record<string, (t: ExecutionContext, given: Given) => void> = {
  'any-version': (t, { certs }) => { for (const [kind, cert] of each(certs)) t.is(cert.version, 'v3', kind) },
  'any-serial-number': (t, { certs }) => {
    for (const [kind, cert] of each(certs)) t.regex(cert.serialNumber, /^[4-7][0-9a-f]{31}$/, kind)
    t.is(new Set(each(certs).map(([, cert]) => cert.serialNumber)).size, each(certs).length)
  },
  'any-not-before': (t, { certs }) => { t.is(certs.device.notBefore, '2026-03-01T08:55:00+00:00'); t.is(certs.profileSigner.notBefore, '2026-03-01T08:56:00+00:00') },
  'any-not-after': (t, { certs }) => { for (const [kind, cert] of each(certs)) t.true(seconds(cert.notAfter) <= seconds(certs[issuerOf[kind]].notAfter), kind) },
  'any-signature': (t, { certs }) => { for (const [kind, cert] of each(certs)) t.is(cert.signatureAlgorithm, issuerOf[kind] === 'root' ? 'sha384_ecdsa' : 'sha256_ecdsa', kind) },
  'any-key-identifiers': (t, { certs }) => {
    for (const [kind, cert] of each(certs)) {
      t.regex(value(cert, oid.ski), /^[0-9a-f]{40}$/, kind)
      if (issuerOf[kind] === kind) continue
      t.deepEqual(value(cert, oid.aki), { key_identifier: value(certs[issuerOf[kind]], oid.ski), authority_cert_issuer: null, authority_cert_serial_number: null }, kind)
    }
  },
  'any-critical': (t, { certs }) => {
    for (const [kind, cert] of each(certs)) {
      for (const extension of cert.extensions) t.is(extension.critical, [oid.basicConstraints, oid.keyUsage].includes(extension.oid), `${kind} ${extension.oid}`)
    }
  },
  'any-extensions': (t, { certs }) => { for (const [kind, cert] of each(certs)) t.deepEqual(cert.extensions.map(e => e.oid), extensionsOf[kind]!.map(name => oid[name]), kind) },

  'root-key': (t, { certs: { root } }) => {
    t.is(root.keyAlgorithm, 'secp384r1')
    t.deepEqual(root.issuer, root.subject)
    t.is(seconds(root.notAfter) - seconds(root.notBefore), 20 * 365 * day + 299)
  },
  'root-constraints': (t, { certs: { root } }) => { t.deepEqual(value(root, oid.basicConstraints), { ca: true, path_len_constraint: 1 }) },
  'issuing-key': (t, { certs: { root, issuing } }) => {
    t.is(issuing.keyAlgorithm, 'secp256r1')
    t.deepEqual(issuing.issuer, root.subject)
    t.is(seconds(issuing.notAfter) - seconds(issuing.notBefore), 10 * 365 * day + 299)
  },
  'issuing-constraints': (t, { certs: { issuing } }) => { t.deepEqual(value(issuing, oid.basicConstraints), { ca: true, path_len_constraint: 0 }) },
  'issuing-addresses': (t, { certs: { issuing } }) => {
    t.deepEqual(value(issuing, oid.crldp).map((point: any) => point.distribution_point), [[`${http}/crl/root.crl`]])
    t.deepEqual(accesses(issuing), [['ca_issuers', `${http}/ca/root.cer`]])
  },
  'enrollment-outside': (t, { certs: { root, issuing, enrollment } }) => {
    t.deepEqual(enrollment.issuer, enrollment.subject)
    t.is(new Set([root, issuing, enrollment].map(cert => cert.subject['common_name'])).size, 3)
    t.is(new Set([root, issuing, enrollment].map(cert => value(cert, oid.ski))).size, 3)
    t.deepEqual(value(enrollment, oid.basicConstraints), { ca: true, path_len_constraint: 0 })
  },
  'authority-usage': (t, { certs }) => { for (const kind of ['root', 'issuing', 'enrollment'] as const) t.deepEqual(value(certs[kind], oid.keyUsage), ['crl_sign', 'key_cert_sign'], kind) },
  'authority-plain': (t, { certs }) => { for (const kind of ['root', 'issuing', 'enrollment'] as const) t.deepEqual([value(certs[kind], oid.extKeyUsage), value(certs[kind], oid.policies)], [undefined, undefined], kind) },

  'device-subject': (t, { certs, deviceId }) => {
    t.deepEqual(certs.device.subject, { common_name: 'Ada Lovelace', serial_number: deviceId })
    t.is(certs.longName.subject['common_name'], 'ä'.repeat(64))
  },
  'device-names': (t, { certs, deviceId }) => {
    t.deepEqual(value(certs.device, oid.san), ['ada@example.org', { type_id: '1.3.6.1.4.1.311.20.2.3', value: 'ada@corp.example' }, `urn:uuid:${deviceId}`])
    t.is(value(certs.deviceRsa, oid.san).length, 2)
  },
  'device-usage': (t, { certs }) => {
    t.deepEqual(value(certs.device, oid.keyUsage), ['digital_signature'])
    t.deepEqual(value(certs.deviceRsa, oid.keyUsage), ['digital_signature', 'key_encipherment'])
  },
  'device-purpose': (t, { certs }) => { t.deepEqual(value(certs.device, oid.extKeyUsage), ['client_auth']) },
  'device-policies': (t, { certs }) => { t.deepEqual(value(certs.device, oid.policies), [{ policy_identifier: evidenceOids.signed, policy_qualifiers: null }]) },
  'device-addresses': (t, { certs }) => {
    t.deepEqual(value(certs.device, oid.crldp), [{ distribution_point: [`${http}/crl/issuing/0.crl`], reasons: null, crl_issuer: null }])
    t.deepEqual(accesses(certs.device), [['ocsp', `${http}/ocsp/issuing`], ['ca_issuers', `${http}/ca/issuing.cer`]])
  },
  'device-validity': (t, { certs }) => { t.is(certs.device.notAfter, '2027-03-01T08:59:59+00:00') },

  'bootstrap-issuer': (t, { certs }) => {
    t.deepEqual(certs.bootstrap.issuer, certs.enrollment.subject)
    t.is(certs.bootstrap.notAfter, '2026-03-01T09:59:59+00:00')
  },
  'bootstrap-subject': (t, { certs }) => {
    t.deepEqual(certs.bootstrap.subject, { organizational_unit_name: 'bootstrap', common_name: 'enrollment-1' })
    t.is(value(certs.bootstrap, oid.san), undefined)
  },
  'bootstrap-purpose': (t, { certs }) => {
    t.deepEqual(value(certs.bootstrap, oid.extKeyUsage), ['email_protection'])
    t.deepEqual(value(certs.bootstrap, oid.keyUsage), ['digital_signature', 'key_encipherment'])
  },
  'bootstrap-addresses': (t, { certs }) => {
    t.deepEqual(value(certs.bootstrap, oid.crldp)[0].distribution_point, [`${http}/crl/enrollment/0.crl`])
    t.deepEqual(accesses(certs.bootstrap), [['ca_issuers', `${http}/ca/enrollment.cer`]])
  },

  'agent-issuer': (t, { certs: { agentCa, agent } }) => {
    t.deepEqual(agentCa.issuer, agentCa.subject)
    t.is(value(agentCa, oid.basicConstraints).path_len_constraint, 0)
    t.deepEqual(agent.issuer, agentCa.subject)
    t.true(seconds(agent.notAfter) - seconds(agent.notBefore) <= 90 * day + 300)
  },
  'agent-purpose': (t, { certs: { agent } }) => {
    t.deepEqual([value(agent, oid.extKeyUsage), value(agent, oid.keyUsage), agent.keyAlgorithm], [['client_auth'], ['digital_signature'], 'secp256r1'])
    t.deepEqual(agent.subject, { organizational_unit_name: 'agent', common_name: 'edge' })
    t.deepEqual([value(agent, oid.crldp), value(agent, oid.aia)], [undefined, undefined])
  },
  'canary-subject': (t, { certs: { canary, issuing } }) => {
    t.deepEqual(canary.issuer, issuing.subject)
    t.deepEqual(canary.subject, { organizational_unit_name: 'edge', common_name: 'Latchkey canary' })
    t.deepEqual([value(canary, oid.san), value(canary, oid.policies), value(canary, oid.extKeyUsage)], [undefined, undefined, ['client_auth']])
    t.true(seconds(canary.notAfter) - seconds(canary.notBefore) <= day + 300)
  },

  'ra-key': (t, { certs }) => {
    for (const kind of ['ra', 'enrollmentRa'] as const) {
      t.is(certs[kind].keyAlgorithm, 'rsa 2048')
      t.deepEqual(value(certs[kind], oid.keyUsage), ['digital_signature', 'key_encipherment'])
      t.is(value(certs[kind], oid.extKeyUsage), undefined)
    }
  },
  'ocsp-delegation': (t, { certs }) => {
    t.deepEqual(certs.ocsp.issuer, certs.issuing.subject)
    t.deepEqual([value(certs.ocsp, oid.extKeyUsage), value(certs.ocsp, oid.keyUsage)], [['ocsp_signing'], ['digital_signature']])
  },
  'ocsp-unchecked': (t, { certs }) => {
    t.is(value(certs.ocsp, oid.noCheck), null)
    t.deepEqual([value(certs.ocsp, oid.crldp), value(certs.ocsp, oid.aia)], [undefined, undefined])
    t.true(seconds(certs.ocsp.notAfter) - seconds(certs.ocsp.notBefore) <= 30 * day + 300)
  },
  'profile-signer-purpose': (t, { certs: { profileSigner } }) => {
    t.is(profileSigner.keyAlgorithm, 'rsa 2048')
    t.deepEqual([value(profileSigner, oid.keyUsage), value(profileSigner, oid.extKeyUsage)], [['digital_signature'], ['email_protection']])
  },
  'profile-signer-renewal': (t, { certs: { profileSigner, profileSignerBefore } }) => {
    t.not(profileSigner.serialNumber, profileSignerBefore.serialNumber)
    t.deepEqual(profileSigner.subject, profileSignerBefore.subject)
    t.is(value(profileSigner, oid.ski), value(profileSignerBefore, oid.ski))
  },

  'crl-version': (t, { certs, crls }) => {
    for (const [scope, list] of Object.entries(crls)) {
      t.is(list.version, 'v2', scope)
      t.is(value(list, oid.aki).key_identifier, value(scope === 'root' ? certs.root : certs.issuing, oid.ski), scope)
      t.true(BigInt(value(list, oid.crlNumber)) > 0n, scope)
    }
  },
  'crl-window': (t, { crls: { partition } }) => { t.deepEqual([partition.thisUpdate, partition.nextUpdate], ['2026-03-01T09:01:00+00:00', '2026-03-08T09:01:00+00:00']) },
  'crl-numbers': (t, { crls }) => {
    t.deepEqual([crls.complete, crls.delta, crls.earlierPartition].map(publication), [1n, 1n, 1n])
    t.deepEqual([crls.partition, crls.laterDelta].map(publication), [2n, 2n])
    t.true(seconds(crls.partition.thisUpdate) > seconds(crls.earlierPartition.thisUpdate))
  },
  'crl-change': (t, { crls }) => {
    const [complete, ...others] = [crls.complete, crls.delta, crls.earlierPartition].map(change)
    t.deepEqual(others, [complete, complete])
    t.is(change(crls.partition), change(crls.laterDelta))
    t.true(change(crls.partition) > complete!)
  },
  'crl-entries': (t, { certs, crls }) => {
    const entry = (serialNumber: string) => crls.partition.entries.find(candidate => candidate.serialNumber === serialNumber)
    const { device: { serialNumber: plain }, deviceRsa: { serialNumber: withReason } } = certs
    t.is(crls.partition.entries.length, 2)
    t.deepEqual(entry(plain), { serialNumber: plain, revocationDate: '2026-03-01T09:01:00+00:00', extensions: [] })
    const extensions = [{ oid: oid.reason, critical: false, value: 'key_compromise' }]
    t.deepEqual(entry(withReason), { serialNumber: withReason, revocationDate: '2026-03-01T09:00:00+00:00', extensions })
  },
  'crl-partition': (t, { crls: { partition } }) => {
    const point = partition.extensions.find(extension => extension.oid === oid.idp)!
    t.true(point.critical)
    t.deepEqual(point.value, {
      distribution_point: [`${http}/crl/issuing/0.crl`], only_contains_user_certs: false, only_contains_ca_certs: false, only_some_reasons: null,
      indirect_crl: false, only_contains_attribute_certs: false,
    })
  },
  'crl-complete': (t, { crls: { complete } }) => {
    t.deepEqual(value(complete, oid.freshest).map((point: any) => point.distribution_point), [[`${http}/crl/issuing-delta.crl`]])
    t.is(value(complete, oid.idp), undefined)
  },
  'crl-delta': (t, { certs, crls }) => {
    const indicator = crls.laterDelta.extensions.find(extension => extension.oid === oid.delta)!
    t.deepEqual(indicator, { oid: oid.delta, critical: true, value: value(crls.complete, oid.crlNumber) })
    const removed = (list: List) => list.entries.filter(entry => value(entry, oid.reason) === 'remove_from_crl').map(entry => entry.serialNumber)
    t.deepEqual(removed(crls.laterDelta), [certs.longName.serialNumber])
    for (const list of [crls.complete, crls.partition, crls.earlierPartition]) t.deepEqual(removed(list), [])
  },
  'crl-root': (t, { crls: { root } }) => {
    t.deepEqual([root.entries, value(root, oid.idp)], [[], undefined])
    t.is(seconds(root.nextUpdate) - seconds(root.thisUpdate), 5 * 365 * day)
  },
}

test('every line of the specification has a check, and every check a line', t => {
  const text = readFileSync(new URL('../../src/certificates/README.md', import.meta.url), 'utf8')
  const names = [...text.matchAll(/^- \*\*([a-z-]+)\*\*: /gm)].map(match => match[1]!)
  t.deepEqual(names, Object.keys(checks))
})

test('what we issue and publish is what the specification says, field by field', async t => {
  const program = peer(t, 'python3:asn1crypto')
  if (program === undefined) return
  const all = await given(t, program)
  for (const check of Object.values(checks)) check(t, all)
})
