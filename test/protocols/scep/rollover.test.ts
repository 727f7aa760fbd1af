/** An issuing CA that was replaced: its door stays where phones know it, and leads to its successor. */
import test from 'ava'
import { toPem } from '../../../src/formats/pem.ts'
import { isIssuedBy } from '../../../src/formats/x509.ts'
import { openApi } from '../../support/api.ts'
import { caCertificates, certificatesIn, counted, csrOf, enrolled, messageTo, post, selfSigned, stoppedPhone } from '../../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { newAuthority } from '../../support/signers.ts'
import { openWorld } from '../../support/world.ts'

const [key, newKey] = [phoneKeys.identity, keptRsaKey(2048, 'other')]

test('a phone renews, enrolls and waits at the door it knows, and gets what the successor issues', async t => {
  const world = await openWorld(t)
  const api = await openApi(t, world.service)
  const replaceIssuing = async (name: string) => {
    const root = await newAuthority(name, undefined, 'P-384')
    const privateKey = root.signer.privateKey.export({ type: 'pkcs8', format: 'pem' })
    await api.ask('POST', '/authorities/import', { certificates: toPem('CERTIFICATE', root.certificate), privateKey })
  }
  await world.approve('iPhone14,5')
  const holder = await enrolled(t, world, key)
  const late = await stoppedPhone(t, world, { invitation: { email: 'omar@example.com' } })
  const sender = await selfSigned(newKey)
  const made = await messageTo(late.door, sender, await csrOf(newKey, late.challenge))
  const waiting = await messageTo(late.door, holder, await csrOf(newKey), { messageType: '17', transactionID: 'W' })
  await world.service.db.query(`insert into rules (id, verdict, conditions, reason, author, created_at)
    values (gen_random_uuid(), 'quarantine', '{"productType":"*"}', 'a look first', 'ada', $1)`, [world.service.now()])
  t.is((await post(late.door, waiting)).outcome, 'PENDING')
  await world.service.db.query('update rules set ended_at = $1', [world.service.now()])

  await replaceIssuing('Next Root')

  const [registration, issuing] = await caCertificates(holder.door)
  t.true(isIssuedBy(registration!, issuing!.publicKey))
  t.false(isIssuedBy(holder.certificate, issuing!.publicKey))
  const answers = [
    [holder, await post(holder.door, await messageTo(holder.door, holder, await csrOf(newKey), { transactionID: 'R' }))],
    [holder, await post(late.door, await messageTo(late.door, holder, Buffer.from('-'), { messageType: '20', transactionID: 'W' }))],
    // Encrypted to the registration authority of before, as by a phone that asked for it a moment ago.
    [sender, await post(late.door, made)],
  ] as const
  for (const [asked, reply] of answers) {
    t.is(reply.outcome, 'SUCCESS')
    t.true(isIssuedBy((await certificatesIn(reply, asked))[0]!, issuing!.publicKey))
  }
  const first = (await certificatesIn(answers[2][1], sender))[0]!
  await replaceIssuing('The Root after')
  t.deepEqual((await certificatesIn(await post(late.door, made), sender))[0]!.raw, first.raw, 'and the same request still gets the same certificate')
  t.is(await counted(world, 'device'), 4)
})
