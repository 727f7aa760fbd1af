/** From the phones that Exchange knows to the people whom one could invite. All of it is claimed: nothing here is evidence. */
import { parseDeviceModel, parseDeviceOs, parseUserAgent } from '../../formats/activesync/user-agent.ts'
import type { Catalogue } from '../../devices/catalogue.ts'
import type { MobileDevice } from '../../formats/exchange/inventory.ts'
import { decide } from '../decide.ts'
import { knownDevice, type PolicySnapshot } from '../decision.ts'
import type { Verdict } from '../rules.ts'

/** @property productType  as the phone claims it; null where it does not say, or is no Apple device (`isApple`) */
export type ClaimedPhone = { readonly name: string | null, readonly email: string | null, readonly isApple: boolean, readonly productType: string | null, readonly modelName: string | null, readonly build: string | null, readonly blocked: boolean }

export function claimedPhones(catalogue: Catalogue, devices: readonly MobileDevice[]): ClaimedPhone[] {
  return devices.map(({ user, email, deviceType, deviceModel, deviceOs, userAgent, accessState }) => {
    const [claim, named] = [parseUserAgent(userAgent ?? ''), parseDeviceModel(deviceModel ?? '')]
    const productType = claim?.productType ?? named ?? null
    const isApple = productType !== null || claim !== undefined || /^(iPhone|iPad|iPod)$/i.test(deviceType ?? '')
    return {
      name: user, email, isApple, productType, modelName: catalogue.models.get(productType ?? '')?.name ?? null,
      build: claim?.build ?? parseDeviceOs(deviceOs ?? '')?.build ?? null, blocked: /^Blocked$/i.test(accessState ?? ''),
    }
  })
}

/** What policy would say of a phone, were its claim proven by its signature; null where it claims no model. */
export type Prospect = { readonly verdict: Verdict, readonly why: string } | null
/** Somebody with phones. @property couldPass  how many of them policy would let in or look at, were their claims proven */
export type Invitee = {
  readonly name: string, readonly email: string | null, readonly phones: number, readonly others: number
  readonly models: readonly { readonly model: string, readonly build: string | null, readonly prospect: Prospect }[]
  readonly couldPass: number
}

/** Phones by their people: by address where there is one, and by name where Exchange tells no more. Those who could get in stand first. */
export function invitees(phones: readonly ClaimedPhone[], catalogue: Catalogue, policy: PolicySnapshot, now: Date): Invitee[] {
  const known = new Map<string, Prospect>()
  const prospectOf = ({ productType, build, email }: ClaimedPhone): Prospect => {
    if (productType === null) return null
    const key = `${productType} ${build} ${policy.rules.some(({ conditions }) => conditions.person !== undefined) ? email : ''}`
    const found = known.get(key) ?? prospect(catalogue, policy, { productType, build, email }, now)
    known.set(key, found)
    return found
  }
  const byPerson = Map.groupBy(phones.filter(({ name, email }) => name !== null || email !== null), ({ email, name }) => email ?? `name ${name}`)
  return [...byPerson.values()].map(own => {
    const apple = own.filter(({ isApple }) => isApple)
    const models = apple.map(phone => ({ model: phone.modelName ?? phone.productType ?? 'not said', build: phone.build, prospect: prospectOf(phone) }))
    return {
      name: own.find(({ name }) => name !== null && !name.includes('@'))?.name ?? own[0]!.email ?? own[0]!.name!, email: own[0]!.email, phones: apple.length, others: own.length - apple.length, models,
      couldPass: models.filter(({ prospect: said }) => said !== null && said.verdict !== 'block').length,
    }
  }).sort((a, b) => Number(b.couldPass > 0) - Number(a.couldPass > 0) || a.name.localeCompare(b.name))
}

/** An inventory knows phones by their numbers, which Exchange does not tell: what it would say is left out. */
function prospect(catalogue: Catalogue, policy: PolicySnapshot, { productType, build, email }: { productType: string, build: string | null, email: string | null }, now: Date): Prospect {
  const signed = (value: string) => ({ value, grade: 'signed' as const })
  const known = knownDevice(catalogue, { productType: signed(productType), ...build !== null && { build: signed(build) }, ...email !== null && { person: { id: email, groups: [] } } })
  const { verdict, textForAdmin } = decide(known, { ...policy, requireInventory: false, exemptions: [] }, now)
  return { verdict, why: textForAdmin }
}
