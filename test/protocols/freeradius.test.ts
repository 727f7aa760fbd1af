import test, { type ExecutionContext } from 'ava'
import { ocspHandler } from '../../src/protocols/ocsp/handler.ts'
import { canaryIdentities, checkService, foreignIdentity } from '../support/check-service.ts'
import { openCli } from '../support/cli.ts'
import { freePort } from '../support/free-port.ts'
import { startFreeradius } from '../support/freeradius.ts'
import { holdNow, issueBootstrap, issueDevice, releaseNow, revokeNow } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { peer } from '../support/peers.ts'

/** By the real clock: an OCSP answer lives a minute. */
async function wifi(t: ExecutionContext) {
  const [freeradius, eapolTest] = [peer(t, 'freeradius'), peer(t, 'eapol_test')]
  if (freeradius === undefined || eapolTest === undefined) return undefined
  const { service, latchkey } = await checkService(t, 'nginx', { now: () => new Date(), advance: () => {}, set: () => {} })
  const ocsp = `${await listen(t, [ocspHandler(service)])}/ocsp/issuing`
  const start = async (responder: string) => await startFreeradius(t, { freeradius, eapolTest, latchkey, ocsp: responder })
  return { service, latchkey, ocsp, start, radius: await start(ocsp) }
}

test.serial('FreeRADIUS as printed lets a phone with a good certificate join, for as long as a session may last', async t => {
  const setup = await wifi(t)
  if (setup === undefined) return
  const { accepted, text } = await setup.radius.join(await issueDevice(setup.service))
  t.true(accepted, text.slice(-2000))
  t.regex(text, /Attribute 27 \(Session-Timeout\) length=6\s+Value: 900/)
})

test.serial('from the commit of a revocation on a phone cannot join, and once a hold is lifted it can', async t => {
  const setup = await wifi(t)
  if (setup === undefined) return
  const { service, radius } = setup
  const [lost, held] = [await issueDevice(service), await issueDevice(service)]
  t.true((await radius.join(lost)).accepted)
  await revokeNow(service, lost)
  await holdNow(service, held)
  t.deepEqual([(await radius.join(lost)).accepted, (await radius.join(held)).accepted], [false, false])
  await releaseNow(service, held)
  t.true((await radius.join(held)).accepted)
})

test.serial('Latchkey is asked about a phone each time that it joins', async t => {
  const setup = await wifi(t)
  if (setup === undefined) return
  const { accepted, text } = await setup.radius.join(await issueDevice(setup.service), { again: true })
  t.true(accepted, text.slice(-2000))
  t.is(setup.radius.output.match(/ocsp: Cert status: good/g)?.length, 2)
})

test.serial('nobody else joins: a bootstrap identity, a certificate of another CA under the same root, a canary', async t => {
  const setup = await wifi(t)
  if (setup === undefined) return
  const { service, radius } = setup
  const { good, revoked } = await canaryIdentities(service)
  for (const [who, identity] of Object.entries({ bootstrap: await issueBootstrap(service), foreign: await foreignIdentity(service), good, revoked })) {
    t.false((await radius.join(identity)).accepted, who)
  }
  t.true((await radius.join(await issueDevice(service))).accepted)
})

test.serial('while Latchkey cannot be asked, or is not sure, nobody joins', async t => {
  const setup = await wifi(t)
  if (setup === undefined) return
  const { service, radius, start } = setup
  const phone = await issueDevice(service)
  const nobody = await start(`http://127.0.0.1:${await freePort()}/ocsp/issuing`)
  t.false((await nobody.join(phone)).accepted)
  t.true((await radius.join(phone)).accepted)
  await service.db.close()
  t.false((await radius.join(phone)).accepted)
})

test.serial('`front-end config freeradius` prints what the tests run, and names the responder of the CA that issues', async t => {
  const setup = await wifi(t)
  if (setup === undefined) return
  const { service, ocsp, start } = setup
  const { values, printed } = await start(ocsp)
  const cli = await openCli(t, service)
  const options = ['--listen', values.listen, '--certificate', values.certificate, '--certificate-key', values.certificateKey, '--files', values.files, '--check', new URL(ocsp).origin]
  const { out, err } = await cli('front-end', 'config', 'freeradius', ...options)
  t.is(out.replaceAll(new URL(ocsp).origin, 'http://latchkey'), printed.replaceAll(new URL(ocsp).origin, 'http://latchkey').replaceAll(values.latchkey, 'http://latchkey'), err)
  t.regex((await cli('front-end', 'config', 'freeradius')).out, /url = "http:\/\/localhost:8080\/ocsp\/issuing"/)
  t.is((await cli('front-end', 'config', 'freeradius', '--check', 'https://latchkey.example')).exitCode, 2)
})
