// SPDX-License-Identifier: GPL-2.0

(function () {
	const byId = (id) => document.getElementById(id);
	const table = byId("matrix");
	const rows = Array.from(table.tBodies[0].rows);
	const names = rows.map((row) => row.cells[0].textContent.toLowerCase());
	const panel = byId("reasons");
	const summary = Array.from(byId("summary").tBodies[0].rows);
	const chosen = new Set();
	let selected = null;
	let data = null;

	/* An element with this text or these children; text is never read as markup. */
	function make(tag, className, ...children) {
		const element = document.createElement(tag);
		if (className)
			element.className = className;
		element.append(...children);
		return element;
	}

	/* Filters: the search, the numbers that are pressed (any of them), and where kernels differ. */

	function fits(cell, verdict) {
		if (verdict === "refused")
			return Array.from(cell.children).some((small) => !["kernel accepts", "kernel misreads"].includes(small.textContent));
		return cell.className === verdict;
	}

	function isWanted(row, index, words, differing) {
		const cells = Array.from(row.cells).slice(1);
		return words.every((word) => names[index].includes(word)) &&
			(!differing || cells.some((cell) => cell.className !== cells[0].className)) &&
			(!chosen.size || Array.from(chosen).some((button) => fits(cells[button.column], button.verdict)));
	}

	function filter() {
		const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
		const differing = byId("differing").checked;
		let count = 0;
		rows.forEach((row, index) => {
			row.hidden = !isWanted(row, index, words, differing);
			count += !row.hidden;
		});
		const all = rows.length.toLocaleString("en");
		byId("shown").value = count === rows.length ? `${all} modules` : `${count.toLocaleString("en")} of ${all} modules`;
		byId("none").hidden = count !== 0;
		keepReachable();
		byId("all").disabled = count === rows.length && !chosen.size && !words.length && !differing;
	}

	function press(button, on) {
		button.setAttribute("aria-pressed", on);
		chosen[on ? "add" : "delete"](button);
	}

	function makeButton(cell, verdict, column, words) {
		const button = make("button", "", cell.textContent);
		Object.assign(button, { type: "button", column, verdict });
		button.disabled = cell.textContent === "0";
		button.setAttribute("aria-label", `${cell.textContent} ${words} on ${heading(column + 1)}`);
		button.addEventListener("click", () => {
			press(button, !chosen.has(button));
			filter();
		});
		press(button, false);
		cell.replaceChildren(button);
	}

	function showAll() {
		chosen.forEach((button) => press(button, false));
		// The reset that brought us here comes after this.
		setTimeout(filter);
	}

	/* Opening a verdict */

	const heading = (column) => table.tHead.rows[0].cells[column].textContent.trim();

	function legend(cell) {
		const row = summary.find((row) => row.dataset.verdict === cell.className);
		return { words: row.cells[0].textContent, meaning: row.cells[row.cells.length - 1].textContent };
	}

	function typeItem(type) {
		const below = make("ol", "", ...type.below.map((line) => make("li", "", line)));
		return make("li", "", `[${type.id}] `, make("b", "", type.type), ` -> ${type.fate}`, below);
	}

	function section(title, ...children) {
		return children.length ? [make("h3", "", title), ...children] : [];
	}

	function types(title, list) {
		return list.length ? section(`${title} (${list.length})`, make("ol", "", ...list.map(typeItem))) : [];
	}

	function conflicts(list) {
		const items = list.map((line) => make("li", "", line));
		return list.length ? section(`Types that differ in vmlinux (${list.length})`, make("ol", "", ...items)) : [];
	}

	function fill(cell) {
		data = data || JSON.parse(byId("data").textContent);
		const row = cell.parentNode;
		const reasons = reasonsOf(data, rows.indexOf(row), cell.cellIndex - 1);
		const { words, meaning } = legend(cell);
		const relocated = ["exact", "opaque", "conflicts", "reduced"].includes(cell.className);
		const close = make("button", "close", "Close");
		close.addEventListener("click", hide);
		const [name, folder] = row.cells[0].querySelectorAll("bdi");
		panel.replaceChildren(
			close,
			make("h2", "", make("bdi", "", name.textContent)),
			make("p", "", make("small", "", make("bdi", "", folder ? folder.textContent : ""))),
			make("p", "", "on ", make("bdi", "", heading(cell.cellIndex))),
			make("div", `verdict ${cell.className}`, words),
			make("p", "", meaning),
			...section(relocated ? "In figures" : "Why", ...(reasons.said ? [make("p", "", reasons.said)] : [])),
			...section("Without rust_btfreloc", ...(reasons.alone ? [make("p", "", `The kernel alone ${reasons.alone}.`)] : [])),
			...conflicts(reasons.conflicts),
			...types("Base types without a match", reasons.types.filter((type) => type.opaque)),
			...types("Base types with their match", reasons.types.filter((type) => !type.opaque)),
		);
		panel.scrollTop = 0;
	}

	function open(cell) {
		fill(cell);
		panel.hidden = false;
		document.body.classList.add("opened");
		cell.scrollIntoView({ block: "nearest", inline: "nearest" });
		history.replaceState(null, "", `#${rows.indexOf(cell.parentNode) + 1}.${cell.cellIndex}`);
	}

	function hide() {
		panel.hidden = true;
		document.body.classList.remove("opened");
		history.replaceState(null, "", location.pathname + location.search);
		if (selected)
			selected.focus();
	}

	/* One cell is in the order of the Tab key; the arrow keys lead to the others. */

	function select(cell) {
		if (selected) {
			selected.tabIndex = -1;
			selected.removeAttribute("aria-selected");
		}
		selected = cell;
		cell.tabIndex = 0;
		cell.setAttribute("aria-selected", "true");
	}

	/* What is filtered away cannot be reached. */
	function keepReachable() {
		const row = !selected || selected.parentNode.hidden ? rows.find((row) => !row.hidden) : null;
		if (row)
			select(row.cells[1]);
	}

	function goTo(cell) {
		select(cell);
		if (!panel.hidden)
			open(cell);
		cell.focus({ preventScroll: true });
		cell.scrollIntoView({ block: "nearest", inline: "nearest" });
	}

	/* The cell that many rows further on, among those that are shown. */
	function vertical(cell, steps) {
		const next = steps < 0 ? "previousElementSibling" : "nextElementSibling";
		let found = cell.parentNode;
		for (let row = found[next], left = Math.abs(steps); row && left; row = row[next]) {
			if (row.hidden)
				continue;
			found = row;
			left -= 1;
		}
		return found.cells[cell.cellIndex];
	}

	function horizontal(cell, column) {
		const cells = cell.parentNode.cells;
		return cells[Math.min(Math.max(column, 1), cells.length - 1)];
	}

	const moves = {
		ArrowUp: (cell) => vertical(cell, -1),
		ArrowDown: (cell) => vertical(cell, 1),
		PageUp: (cell) => vertical(cell, -20),
		PageDown: (cell) => vertical(cell, 20),
		ArrowLeft: (cell) => horizontal(cell, cell.cellIndex - 1),
		ArrowRight: (cell) => horizontal(cell, cell.cellIndex + 1),
		Home: (cell) => horizontal(cell, 1),
		End: (cell) => horizontal(cell, cell.parentNode.cells.length - 1),
	};

	function key(event) {
		const cell = event.target.closest("#matrix td");
		if (event.ctrlKey || event.altKey || event.metaKey)
			return;
		if (event.key === "Escape" && !panel.hidden) {
			hide();
		} else if (event.key === "/" && event.target !== byId("search")) {
			byId("search").focus();
		} else if (cell && moves[event.key]) {
			goTo(moves[event.key](cell));
		} else if (cell && (event.key === "Enter" || event.key === " ")) {
			open(cell);
		} else {
			return;
		}
		event.preventDefault();
	}

	function click(event) {
		const cell = event.target.closest("td");
		// Who marks text to copy it opens nothing.
		if (!cell || !getSelection().isCollapsed)
			return;
		goTo(cell);
		open(cell);
	}

	/* A link such as matrix.html#17.2 leads to the second kernel of the 17th module. */
	function follow() {
		const [row, column] = location.hash.slice(1).split(".").map(Number);
		const cell = rows[row - 1] && column > 0 && rows[row - 1].cells[column];
		if (!cell)
			return;
		goTo(cell);
		open(cell);
		cell.scrollIntoView({ block: "center" });
	}

	function start() {
		summary.forEach((row) => {
			const cells = Array.from(row.cells);
			cells.slice(1, -1).forEach((cell, column) => makeButton(cell, row.dataset.verdict, column, cells[0].textContent));
		});
		document.querySelectorAll(".scripted").forEach((element) => { element.hidden = false; });
		document.body.classList.add("live");
		table.setAttribute("role", "grid");
		table.tBodies[0].addEventListener("click", click);
		document.addEventListener("keydown", key);
		byId("tools").addEventListener("input", filter);
		byId("tools").addEventListener("submit", (event) => event.preventDefault());
		byId("tools").addEventListener("reset", showAll);
		filter();
		follow();
	}

	start();
})();
