/** Renewal: who holds a good certificate of a device gets another one for that device, if policy still says so. */
import { createPrivateKey, randomUUID } from 'node:crypto'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { subjectAltName } from '../../../src/formats/extensions.ts'
import { readSubjectAltName } from '../../../src/formats/extension-readers.ts'
import { parseCertificate, signCertificate } from '../../../src/formats/x509.ts'
import { signerOfKey, subjectPublicKeyInfoOf } from '../../../src/phone/keys.ts'
import { certificatesIn, counted, csrOf, enrolled, messageTo, post, selfSigned, type Reply, type Sender, type Stop } from '../../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { commonName, testValidity } from '../../support/signers.ts'
import { openWorld, type World } from '../../support/world.ts'

const [key, newKey, foreignKey] = [phoneKeys.identity, keptRsaKey(2048, 'other'), keptRsaKey(2048, 'foreign')]

type Phone = Sender & Stop
async function worldWithPhone(t: ExecutionContext): Promise<{ world: World, phone: Phone }> {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  return { world, phone: await enrolled(t, world, key) }
}

let transactions = 0
/** Asks for `csr`, or for a certificate for a new key, signed by `signer`. */
async function renew(signer: Sender, door: string, { csr, messageType = '19' }: { csr?: Buffer, messageType?: string } = {}): Promise<Reply> {
  return await post(door, await messageTo(door, signer, csr ?? await csrOf(newKey), { messageType, transactionID: `R${++transactions}` }))
}

const rule = async ({ service }: World, verdict: 'block' | 'quarantine'): Promise<string> => {
  const id = randomUUID()
  await service.db.query(`insert into rules (id, verdict, conditions, reason, author, created_at)
    values ($1, $2, '{"productType":"iPhone14,5"}', 'a test', 'ada', $3)`, [id, verdict, service.now()])
  return id
}

const putRevocation = async ({ service }: World, { certificate }: Sender, reason: number): Promise<void> => {
  await service.db.query(`insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor)
    select authority_id, serial_number, partition, not_after, $1, $3, 1, 'ada' from certificates where serial_number = $2
    on conflict (authority_id, serial_number) do update set reason = $3`, [service.now(), Buffer.from(certificate.serialNumber, 'hex'), reason])
}

test('a PKCSReq and a RenewalReq signed by a good certificate renew, whatever the challenge says', async t => {
  const { world, phone } = await worldWithPhone(t)
  for (const messageType of ['19', '17']) {
    for (const challenge of [undefined, phone.challenge, 'never given out']) {
      t.is((await renew(phone, phone.door, { messageType, csr: await csrOf(newKey, challenge) })).outcome, 'SUCCESS', `${messageType} ${challenge}`)
    }
  }
  t.is((await renew(phone, phone.door, { csr: await csrOf(key) })).outcome, 'SUCCESS', 'with the same key')
  t.is(await counted(world, 'device'), 8)
})

test('a renewed certificate says of its holder what our records say, whatever the request asked for', async t => {
  const { world, phone } = await worldWithPhone(t)
  const csr = await csrOf(newKey, undefined, {
    subject: commonName('The Director'), extensions: [subjectAltName([{ type: 'rfc822Name', value: 'director@example.com' }])],
  })

  const [renewed] = await certificatesIn(await renew(phone, phone.door, { csr }), phone)

  t.deepEqual(renewed!.subject.raw, phone.certificate.subject.raw)
  t.deepEqual(readSubjectAltName(renewed!), readSubjectAltName(phone.certificate))
  const rows = await world.service.db.query<{ device_id: string }>("select distinct device_id from certificates where kind = 'device'")
  t.is(rows.length, 1)
})

test('two phones that share a key, a transaction and a request each get a certificate of their own', async t => {
  const { world, phone } = await worldWithPhone(t)
  const other = await enrolled(t, world, key, { invitation: { email: 'omar@example.com', name: 'Omar' } })
  const csr = await csrOf(newKey)

  for (const mine of [phone, other]) {
    const reply = await post(mine.door, await messageTo(mine.door, mine, csr, { transactionID: 'the same' }))
    t.deepEqual((await certificatesIn(reply, mine))[0]!.subject.raw, mine.certificate.subject.raw)
  }
})

test('policy decides again: what is blocked is refused, what is in quarantine waits', async t => {
  const { world, phone } = await worldWithPhone(t)
  const quarantine = await rule(world, 'quarantine')
  const csr = await csrOf(newKey)
  const ask = async (messageType: string, signer: Sender = phone) =>
    await post(phone.door, await messageTo(phone.door, signer, csr, { messageType, transactionID: 'W' }))

  t.is((await ask('17')).outcome, 'PENDING')
  t.is((await ask('20')).outcome, 'PENDING')
  t.is((await world.service.db.query(`select 1 from enrollments where state = 'quarantined'`)).length, 1, 'somebody is told')
  t.is((await ask('20', await selfSigned(foreignKey))).outcome, '4', 'nobody else asks about it')
  t.is(await counted(world, 'device'), 1)
  await world.service.db.query('update rules set ended_at = $1 where id = $2', [world.service.now(), quarantine])
  const replies = [await ask('20'), await ask('20')]
  t.deepEqual(replies.map(({ outcome }) => outcome), ['SUCCESS', 'SUCCESS'], 'also when the answer was lost')
  t.is(await counted(world, 'device'), 2)

  await rule(world, 'block')
  t.is((await renew(phone, phone.door)).outcome, '2')
  t.is(await counted(world, 'device'), 2)
})

test('of two requests in one transaction the newer one waits, and gets the certificate', async t => {
  const { world, phone } = await worldWithPhone(t)
  const quarantine = await rule(world, 'quarantine')
  const ask = async (csr: Buffer, messageType = '17') => await post(phone.door, await messageTo(phone.door, phone, csr, { messageType, transactionID: 'W' }))
  await ask(await csrOf(newKey))
  t.is((await ask(await csrOf(foreignKey))).outcome, 'PENDING')
  await world.service.db.query('update rules set ended_at = $1 where id = $2', [world.service.now(), quarantine])

  const [certificate] = await certificatesIn(await ask(Buffer.from('never opened'), '20'), phone)

  t.deepEqual(certificate!.subjectPublicKeyInfo, subjectPublicKeyInfoOf(foreignKey))
})

test('a certificate that is revoked or held renews nothing; one that was released does', async t => {
  const { world, phone } = await worldWithPhone(t)
  for (const [reason, outcome] of [[6, '2'], [8, 'SUCCESS'], [1, '2']] as const) {
    await putRevocation(world, phone, reason)
    t.is((await renew(phone, phone.door)).outcome, outcome, `reason ${reason}`)
  }
})

test('a certificate renews within its dates only', async t => {
  const world = await openWorld(t)
  const { clock } = world.service
  await world.approve('iPhone14,5')
  clock.set('2026-03-02T09:00:00Z')
  const phone = await enrolled(t, world, key)
  for (const [instant, outcome] of [
    ['2026-03-02T08:54:59Z', '2'], ['2026-03-02T08:55:00Z', 'SUCCESS'], ['2027-03-02T08:59:59Z', 'SUCCESS'], ['2027-03-02T09:00:00Z', '2'],
  ] as const) {
    clock.set(instant)
    await world.service.db.query('update devices set known_at = $1', [clock.now()])
    t.is((await renew(phone, phone.door)).outcome, outcome, instant)
  }
})

test('a phone of which nothing was heard for too long has to enroll again', async t => {
  const { world, phone } = await worldWithPhone(t)
  const days = world.service.config.evidenceMaxAgeDays
  await world.service.db.query(`update devices set known_at = $1::timestamptz - make_interval(days => ${days})`, [world.service.now()])
  t.is((await renew(phone, phone.door)).outcome, 'SUCCESS')
  world.service.clock.advance(1)
  t.is((await renew(phone, phone.door)).outcome, '2')
})

test('a bootstrap identity renews nothing, at neither door, also with the challenge of a device', async t => {
  const { world, phone } = await worldWithPhone(t)
  const { link } = await world.invite({ email: 'omar@example.com' })
  const outcome = await world.enroll(link, { stopBefore: 'second-post', keys: phoneKeys })
  if (outcome.outcome !== 'stopped') return t.fail()
  const bootstrap = { privateKey: outcome.bootstrap!.privateKey, certificate: outcome.bootstrap!.certificate }
  const bootstrapDoor = phone.door.replace('issuing', 'enrollment')

  for (const door of [phone.door, bootstrapDoor]) t.is((await renew(bootstrap, door)).outcome, '2')
  const ready = await world.enroll((await world.invite({ email: 'omar@example.com' })).link, { stopBefore: 'scep', keys: phoneKeys })
  if (ready.outcome !== 'stopped') return t.fail()
  t.is((await renew(bootstrap, phone.door, { csr: await csrOf(phoneKeys.bootstrap, ready.challenge!) })).outcome, '2')
  t.is((await renew(phone, bootstrapDoor)).outcome, '2', 'nor does a device identity at the door of the other')
  t.is(await counted(world, 'device'), 1)
  t.is(await counted(world, 'bootstrap'), 3)
})

test('a certificate of another CA renews nothing, whatever names it has', async t => {
  const { world, phone } = await worldWithPhone(t)
  const { certificate } = phone
  const forged = parseCertificate(await signCertificate({
    serialNumber: certificate.serialNumber, issuer: certificate.issuer.raw, subject: certificate.subject.raw, ...testValidity,
    subjectPublicKeyInfo: subjectPublicKeyInfoOf(newKey), extensions: certificate.extensions,
  }, signerOfKey(foreignKey, 'sha256WithRSAEncryption')))
  for (const messageType of ['17', '19']) t.is((await renew({ privateKey: newKey, certificate: forged }, phone.door, { messageType })).outcome, '2')
  t.is(await counted(world, 'device'), 1)
})

test('no certificate of the service itself renews anything', async t => {
  const world = await openWorld(t, { config: { keyType: 'rsa' } })
  await world.approve('iPhone14,5')
  const phone = await enrolled(t, world, key)
  const { keyring, authorities } = world.service
  const { all, signers } = authorities()
  t.deepEqual(new Set(signers.map(({ purpose }) => purpose)), new Set(['scep-ra', 'ocsp-responder', 'profile-signer']))

  for (const { certificate, key: sealed } of [...all, ...signers]) {
    const privateKey = createPrivateKey({ key: await keyring.exportKey(sealed, 'outside'), passphrase: 'outside' })
    for (const csr of [await csrOf(newKey), await csrOf(privateKey), await csrOf(privateKey, phone.challenge)]) {
      t.is((await renew({ privateKey, certificate }, phone.door, { csr })).outcome, '2', certificate.subject.attributes.at(-1)?.value)
    }
  }
  t.is(await counted(world, 'device'), 1)
})

test('a certificate that was signed and never completed renews nothing', async t => {
  const { world, phone } = await worldWithPhone(t)
  await world.service.db.query(`update certificates set state = 'abandoned', der = null, sha256 = null, request_sha256 = null where kind = 'device'`)
  t.is((await renew(phone, phone.door)).outcome, '2')
})

test('a phone gets 50 certificates a day and no more, for each of them has to be revoked in the end', async t => {
  const { world, phone } = await worldWithPhone(t)
  const csr = await csrOf(key)
  const outcomes: string[] = []
  for (let asked = 1; asked <= 50; asked++) outcomes.push((await renew(phone, phone.door, { csr })).outcome)
  t.deepEqual(outcomes, [...Array<string>(49).fill('SUCCESS'), '2'])
  t.is(await counted(world, 'device'), 50)
  t.is(await counted(world, 'device', 'pending'), 0)

  const other = await enrolled(t, world, newKey, { invitation: { email: 'omar@example.com' } })
  t.is((await renew(other, other.door, { csr })).outcome, 'SUCCESS', 'others are not concerned')
  world.service.clock.advance(86_400)
  t.is((await renew(phone, phone.door, { csr })).outcome, 'SUCCESS')
})

test('a key that was delivered is not renewed by the phone', async t => {
  const { world, phone } = await worldWithPhone(t)
  await world.service.db.query("update certificates set key_origin = 'delivered' where kind = 'device'")
  t.is((await renew(phone, phone.door)).outcome, '2')
  t.is(await counted(world, 'device'), 1)
})
