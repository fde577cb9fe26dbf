// SPDX-License-Identifier: GPL-2.0

//! The page of `check --matrix`, as a browser's tokenizer takes it apart.

use std::collections::BTreeMap;

use html5gum::{DefaultEmitter, Token, Tokenizer};
use rquickjs::{CatchResultExt, Context, Runtime};
use serde_json::Value;

/// An element: its name, its attributes, and all text in it up to the next tag.
#[derive(Debug)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub text: String,
}

/// What a browser sees, in its order; `/tr` and the like are ends.
#[derive(Debug)]
pub struct Page(pub Vec<Element>);

/// A verdict on the page.
#[derive(Debug, PartialEq, Eq)]
pub struct Cell {
    pub module: String,
    pub column: usize,
    pub outcome: String,
    pub words: String,
}

impl Page {
    pub fn parse(html: &str) -> Self {
        let mut emitter = DefaultEmitter::<()>::default();
        emitter.naively_switch_states(true);
        let mut elements: Vec<Element> = Vec::new();
        for token in Tokenizer::new_with_emitter(html, emitter) {
            match token.unwrap() {
                Token::StartTag(tag) => elements.push(Element {
                    name: text(&tag.name),
                    attributes: tag
                        .attributes
                        .iter()
                        .map(|(name, value)| (text(name), text(value)))
                        .collect(),
                    text: String::new(),
                }),
                Token::EndTag(tag) => elements.push(Element {
                    name: format!("/{}", text(&tag.name)),
                    attributes: BTreeMap::new(),
                    text: String::new(),
                }),
                Token::String(string) => {
                    if let Some(element) = elements.last_mut() {
                        element.text += &text(&string);
                    }
                }
                Token::Doctype(doctype) => assert_eq!(text(&doctype.name), "html"),
                other => panic!("{other:?}"),
            }
        }
        Page(elements)
    }

    /// The elements of this name.
    pub fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p Element> {
        self.0.iter().filter(move |element| element.name == name)
    }

    /// The elements between the one with this id and its end.
    pub fn inside(&self, id: &str) -> &[Element] {
        let has_id = |element: &Element| element.attributes.get("id").is_some_and(|is| is == id);
        let begin = self.0.iter().position(has_id).expect(id);
        let end = format!("/{}", self.0[begin].name);
        let len = self.0[begin..]
            .iter()
            .position(|element| element.name == end);
        &self.0[begin..begin + len.expect("an end")]
    }

    /// The verdicts, row by row.
    pub fn cells(&self) -> Vec<Cell> {
        let table = self.inside("matrix");
        let body = table
            .iter()
            .position(|element| element.name == "tbody")
            .unwrap();
        let below = &table[..body]
            .iter()
            .find(|element| element.name == "bdi")
            .unwrap()
            .text;
        let below = if below.ends_with('/') { below } else { "" };
        let mut cells = Vec::new();
        let (mut module, mut column) = (Vec::new(), 0);
        for element in &table[body..] {
            match &*element.name {
                "tr" => (module, column) = (Vec::new(), 0),
                "bdi" => module.push(element.text.clone()),
                "td" => {
                    let folder = module
                        .get(1)
                        .map_or(String::new(), |folder| format!("{folder}/"));
                    cells.push(Cell {
                        module: format!("{below}{folder}{}", module[0]),
                        column,
                        outcome: element.attributes["class"].clone(),
                        words: element.text.clone(),
                    });
                    column += 1;
                }
                _ => {}
            }
        }
        cells
    }

    /// How many modules have each verdict, by kernel.
    pub fn summary(&self) -> BTreeMap<String, Vec<u64>> {
        let mut summary = BTreeMap::<_, Vec<_>>::new();
        let mut verdict = None;
        for element in self.inside("summary") {
            verdict = element.attributes.get("data-verdict").cloned().or(verdict);
            if let ("td", Some(verdict), Ok(count)) =
                (&*element.name, &verdict, element.text.parse())
            {
                summary.entry(verdict.clone()).or_default().push(count);
            }
        }
        summary
    }

    /// What the page's own script makes of the reasons of a verdict.
    pub fn reasons(&self, opened: &[(usize, usize)]) -> Vec<Value> {
        let data = &self.inside("data")[0].text;
        let script = include_str!("../../src/check/matrix/reasons.js");
        let context = Context::full(&Runtime::new().unwrap()).unwrap();
        context.with(|js| {
            js.globals().set("json", data.as_str()).unwrap();
            js.eval::<(), _>(format!("{script}\nconst data = JSON.parse(json);"))
                .catch(&js)
                .unwrap();
            let open = |(row, column): &(usize, usize)| {
                let call = format!("JSON.stringify(reasonsOf(data, {row}, {column}))");
                let reasons: String = js.eval(call).catch(&js).unwrap();
                serde_json::from_str(&reasons).unwrap()
            };
            opened.iter().map(open).collect()
        })
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
