// SPDX-License-Identifier: GPL-2.0

"use strict";

/**
 * What there is to say of module number `row` on kernel number `column`, from the numbered texts.
 * The base types are those that are not carried over first, else in the order of their ids.
 */
function reasonsOf(data, row, column) {
	const module = data.modules[row];
	const cell = module.cells[column];
	const text = (number) => number === undefined ? null : data.texts[number];
	const newIds = (cell.opaque_ids || [])[Symbol.iterator]();
	const types = [];
	(module.types || []).forEach((number, index) => {
		const type = data.types[number];
		const fate = data.fates[type.fates[column]];
		if (!fate)
			return;
		const said = text(fate.text);
		types.push({
			id: module.ids ? module.ids[index] : index + 1,
			type: text(type.text),
			opaque: Boolean(fate.opaque),
			fate: fate.opaque ? `opaque [${newIds.next().value}]: ${said}` : said,
			below: (fate.below || []).map(text),
		});
	});
	return {
		said: text(cell.said),
		conflicts: (cell.conflicts || []).map(text),
		alone: text(cell.alone),
		types: types.filter((type) => type.opaque).concat(types.filter((type) => !type.opaque)),
	};
}
