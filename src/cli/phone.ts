import { Option, type Command } from 'commander'
import type { EnrollOutcome, StopBefore } from '../phone/enroll.ts'
import type { Misbehaviour } from '../phone/misbehave.ts'
import type { Refusal } from '../phone/outcome.ts'
import { group, leaf, line, type Context, type World } from './command.ts'
import { exitCodes, fields } from './output.ts'

export function phoneCommands(root: Command, world: World): void {
  const phone = group(root, 'phone', 'a simulated iPhone')
  leaf(phone, world, 'make-ca <folder>', 'write a test device CA: ca.pem, ca-key.pem', makeCa)
  leaf(phone, world, 'enroll <link>', 'enroll like an iPhone (exit 3 refused, 4 quarantined)', enroll, command => command
    .requiredOption('--product <type>', 'for example iPhone14,5').requiredOption('--build <number>', 'for example 20A362')
    .requiredOption('--serial <number>', 'serial number').option('--udid <udid>', 'made from the serial number where left out').option('--os-version <version>', 'said by iOS 17 and later')
    .requiredOption('--device-ca <folder>', 'what make-ca wrote').requiredOption('--out <folder>', 'where to write profile.mobileconfig, cert.pem, chain.pem and key.pem')
    .addOption(new Option('--stop-before <step>', 'stop there, and print what is at hand').choices(['first-post', 'bootstrap-scep', 'second-post', 'scep']))
    .addOption(new Option('--misbehave <how>', 'do wrong').choices(['replay', 'tamper', 'lie-in-second-post', 'stall'])))
  leaf(phone, world, 'renew <folder>', 'renew what enroll wrote', renew)
}

async function makeCa({ print }: Context, _options: object, folder: string): Promise<void> {
  const { makeDeviceCa } = await import('../phone/make-ca.ts')
  await makeDeviceCa(folder)
  print({ folder, certificate: `${folder}/ca.pem` }, made => line(`${made.certificate}: start the service with LATCHKEY_TEST_DEVICE_CA=${made.certificate}`))
}

type EnrollOptions = {
  product: string, build: string, serial: string, udid?: string, osVersion?: string, deviceCa: string, out: string, stopBefore?: StopBefore, misbehave?: Misbehaviour
}

async function enroll(context: Context, options: EnrollOptions, link: string): Promise<void> {
  const { enrollPhone } = await import('../phone/enroll.ts')
  const { product, build, serial, deviceCa, out, ...rest } = options
  const { udid, osVersion, stopBefore, misbehave } = rest
  report(context, await enrollPhone({
    link, product, build, serial, deviceCaDir: deviceCa, out, now: context.world.now,
    ...udid === undefined ? {} : { udid }, ...osVersion === undefined ? {} : { osVersion },
    ...stopBefore === undefined ? {} : { stopBefore }, ...misbehave === undefined ? {} : { misbehave },
  }), out)
}

async function renew(context: Context, _options: object, folder: string): Promise<void> {
  const { renewPhone } = await import('../phone/renew.ts')
  report(context, await renewPhone(folder, { now: context.world.now }), folder)
}

type Outcome = EnrollOutcome | Awaited<ReturnType<typeof import('../phone/renew.ts').renewPhone>>

function report({ print, world }: Context, outcome: Outcome, folder: string): void {
  switch (outcome.outcome) {
    case 'enrolled': {
      const { serialNumber, notAfter } = outcome.certificate
      print({ outcome: 'enrolled', serialNumber, notAfter: notAfter.toISOString(), folder }, enrolled =>
        line(`enrolled: certificate ${enrolled.serialNumber} until ${enrolled.notAfter}, in ${enrolled.folder}`))
      return
    }
    case 'stopped': {
      const { before, otaUrl, challenge, scepUrl, caFingerprint } = outcome
      print({ outcome: 'stopped', before, otaUrl, challenge, scepUrl, caFingerprint }, at =>
        fields([['stopped before', at.before], ['messages go to', at.otaUrl], ['challenge', at.challenge], ['SCEP', at.scepUrl], ['CA fingerprint', at.caFingerprint]]))
      return
    }
    default:
      print<Refusal>(outcome, ({ outcome: how, at, text, page, code }) => fields([[how, `at ${at}`], ['said', text], ['page', page], ['code', code]]))
      world.exitCode = outcome.outcome === 'quarantined' ? exitCodes.quarantined : exitCodes.refused
  }
}
