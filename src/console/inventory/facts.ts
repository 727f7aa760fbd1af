import { inventorySentence } from '../../devices/inventory-words.ts'
import type { DeviceDetail } from '../../protocols/api/operations/devices.ts'
import { html, type Markup } from '../html.ts'
import { address } from '../perform.ts'
import { brief, named } from '../status-words.ts'

/** What the inventory says of one phone, among the facts of its page. */
export function inventoryFacts(device: DeviceDetail): Markup {
  const { listed, findings } = device.inventory
  const link = html`<a href="${address('/console/inventory', { q: device.serialNumber.slice(0, 200) })}">the inventory</a>`
  if (listed.length === 0) return html`<div><dt>Inventory</dt><dd>not in ${link}</dd></div>`
  const said = listed.map(({ model, ownerEmail, assetTag }) => [model, ownerEmail, assetTag].filter(text => text !== null).join(', ')).filter(text => text !== '').join('; ')
  return html`<div><dt>Inventory</dt><dd>in ${link}${said !== '' && html`: ${brief(said)}`}${findings.map(finding => html`<br><b>${named(inventorySentence(finding, listed, device))}</b>`)}</dd></div>`
}
