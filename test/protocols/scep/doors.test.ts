/** Two doors: a bootstrap identity at one, a device identity at the other, each with the challenge made for it. */
import test from 'ava'
import { readBasicConstraints, readExtendedKeyUsage, readKeyUsage } from '../../../src/formats/extension-readers.ts'
import { oids } from '../../../src/formats/oids.ts'
import { isIssuedBy } from '../../../src/formats/x509.ts'
import { caCertificates, certificatesIn, counted, csrOf, messageTo, post, selfSigned, stoppedPhone } from '../../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { openWorld, type World } from '../../support/world.ts'

const [key, otherKey] = [phoneKeys.identity, keptRsaKey(2048, 'other')]

const ask = async (door: string, challenge: string | undefined, asking = key) =>
  await post(door, await messageTo(door, await selfSigned(asking), await csrOf(asking, challenge)))

const nothingIssued = async (world: World) => await counted(world, 'device') + await counted(world, 'bootstrap') + await counted(world, 'device', 'pending')

test('each door has its capabilities, one word a line, as clients compare them', async t => {
  const world = await openWorld(t)
  for (const door of ['enrollment', 'issuing']) {
    for (const query of ['', '&message=', '&message=Example%20CA']) {
      const answer = await fetch(`${world.url}/scep/${door}?operation=GetCACaps${query}`)
      t.is(await answer.text(), 'AES\nSHA-256\nSHA-384\nSHA-512\nSCEPStandard\nPOSTPKIOperation\nRenewal\n')
      t.is(answer.headers.get('content-type'), 'text/plain')
      t.is(answer.headers.get('cache-control'), 'no-store')
    }
  }
})

test('each door shows its registration authority first, then its CA, then what is above; only the first can be encrypted to', async t => {
  const world = await openWorld(t)
  for (const [name, above] of [['enrollment', 0], ['issuing', 1]] as const) {
    const door = `${world.url}/scep/${name}`
    t.is((await fetch(`${door}?operation=GetCACert`)).headers.get('content-type'), 'application/x-x509-ca-ra-cert')
    const [registration, ...authorities] = await caCertificates(door)
    t.deepEqual(readKeyUsage(registration!), ['digitalSignature', 'keyEncipherment'])
    t.true(registration!.extensions.find(({ oid }) => oid === oids.keyUsage)?.critical)
    t.is(registration!.publicKey.asymmetricKeyType, 'rsa')
    t.false(readBasicConstraints(registration!)?.ca)
    t.is(authorities.length, 1 + above)
    for (const [index, authority] of authorities.entries()) {
      t.deepEqual(readKeyUsage(authority), ['keyCertSign', 'cRLSign'])
      t.true(isIssuedBy([registration!, ...authorities][index]!, authority.publicKey))
    }
  }
})

test('an address that has no door, or the door of the root, answers nothing', async t => {
  const world = await openWorld(t)
  for (const name of ['root', 'nobody', '%00', 'issuing%2f..', '__proto__']) {
    for (const operation of ['GetCACaps', 'GetCACert', 'PKIOperation']) {
      t.is((await fetch(`${world.url}/scep/${name}?operation=${operation}`, { headers: { connection: 'close' } })).status, 404, `${name} ${operation}`)
    }
  }
})

test('each challenge opens its own door, and only that one', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const bootstrap = await stoppedPhone(t, world, { stopBefore: 'bootstrap-scep' })
  t.is((await ask(`${world.url}/scep/issuing`, bootstrap.challenge)).outcome, '2')
  t.is(await nothingIssued(world), 0)
  t.is((await ask(bootstrap.door, bootstrap.challenge)).outcome, 'SUCCESS')

  const device = await stoppedPhone(t, world, { invitation: { email: 'omar@example.com' } })
  t.is((await ask(`${world.url}/scep/enrollment`, device.challenge)).outcome, '2')
  t.is(await counted(world, 'device'), 0)
  t.is((await ask(device.door, device.challenge)).outcome, 'SUCCESS')
})

test('a bootstrap identity names the enrollment, is for S/MIME alone, and ends within the hour', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world, { stopBefore: 'bootstrap-scep' })

  const [certificate, ...more] = await certificatesIn(await ask(door, challenge), await selfSigned(key))

  t.deepEqual(more, [])
  t.is(certificate!.notAfter.getTime() - world.service.now().getTime(), 3_599_000)
  t.deepEqual(readExtendedKeyUsage(certificate!), [oids.emailProtection])
  t.true(isIssuedBy(certificate!, (await caCertificates(door))[1]!.publicKey))
})

test('a request without a challenge, with a made-up one, or with nearly the right one is refused', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  for (const wrong of [undefined, '', 'x', challenge.toLowerCase(), `${challenge} `, challenge.slice(0, -1), `${challenge}\0`]) {
    t.is((await ask(door, wrong)).outcome, '2', JSON.stringify(wrong))
  }
  t.is(await counted(world, 'device'), 0)
  t.is(await counted(world, 'device', 'pending'), 0)
})

test('the challenge of another enrollment names its own device, whoever sends it', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const mine = await stoppedPhone(t, world)
  await stoppedPhone(t, world, { invitation: { email: 'omar@example.com', name: 'Omar' } })
  const [certificate] = await certificatesIn(await ask(mine.door, mine.challenge, otherKey), await selfSigned(otherKey))
  t.is(certificate!.subject.attributes[0]?.value, 'Ines Roth')
})

test('a challenge runs out: of a bootstrap after 15 minutes, of a device after an hour', async t => {
  for (const [stopBefore, seconds] of [['bootstrap-scep', 900], ['scep', 3600]] as const) {
    const world = await openWorld(t)
    await world.approve('iPhone14,5')
    const { door, challenge } = await stoppedPhone(t, world, { stopBefore })
    world.service.clock.advance(seconds)
    t.is((await ask(door, challenge)).outcome, '2')
    t.is(await counted(world, 'device'), 0)
    world.service.clock.advance(-1)
    t.is((await ask(door, challenge)).outcome, 'SUCCESS')
  }
})

test('a challenge that came in time survives the wait for a person', async t => {
  const world = await openWorld(t)
  const { clock, db } = world.service
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const quarantine = await db.query<{ id: string }>(`insert into rules (id, verdict, conditions, reason, author, created_at)
    values (gen_random_uuid(), 'quarantine', '{"productType":"*"}', 'a look first', 'ada', $1) returning id`, [clock.now()])
  const [sender, csr] = [await selfSigned(key), await csrOf(key, challenge)]
  t.is((await post(door, await messageTo(door, sender, csr))).outcome, 'PENDING')
  clock.advance(7200)
  await db.query('update rules set ended_at = $1 where id = $2', [clock.now(), quarantine[0]!.id])

  t.is((await post(door, await messageTo(door, sender, await csrOf(key, challenge, { subject: (await caCertificates(door))[0]!.subject.raw })))).outcome, '2', 'another request came late')
  t.is((await post(door, await messageTo(door, sender, csr, { messageType: '20' }))).outcome, 'SUCCESS')
  t.is(await counted(world, 'device'), 1)
})

test('a phone whose model is withdrawn, or whose invitation ends, between its messages gets nothing', async t => {
  for (const change of ['update approvals set ended_at = $1', 'update invitations set ended_at = $1']) {
    const world = await openWorld(t)
    await world.approve('iPhone14,5')
    const { door, challenge } = await stoppedPhone(t, world)
    await world.service.db.query(change, [world.service.now()])
    t.is((await ask(door, challenge)).outcome, '2', change)
    t.is(await counted(world, 'device'), 0)
  }
})

test('a first request is signed with the key that it is about', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  t.is((await post(door, await messageTo(door, await selfSigned(otherKey), await csrOf(key, challenge)))).outcome, '2')
  t.is(await counted(world, 'device'), 0)
  t.is((await ask(door, challenge)).outcome, 'SUCCESS', 'and the challenge is not lost by it')
})
