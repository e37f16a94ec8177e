// Asks alert rules whether they fire, with Prometheus' own engine: `alerts RULES TESTS`, files in the formats of
// Prometheus and of `promtool test rules`. promtool itself links the clients of thirty clouds; this links the engine.
package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/template"
	"go.yaml.in/yaml/v2"
)

const step = time.Minute // Rules are evaluated, and series have a value, so often.

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         model.Duration    `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

type expected struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

type question struct {
	EvalTime model.Duration `yaml:"eval_time"`
	Alert    string         `yaml:"alertname"`
	Alerts   []expected     `yaml:"exp_alerts"`
}

type scene struct {
	Name   string `yaml:"name"`
	Series []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Questions []question `yaml:"alert_rule_test"`
}

func main() {
	var rules struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	var tests struct {
		Scenes []scene `yaml:"tests"`
	}
	if len(os.Args) != 3 {
		fail("usage: alerts RULES TESTS")
	}
	read(os.Args[1], &rules)
	read(os.Args[2], &tests)
	byName := map[string]rule{}
	for _, group := range rules.Groups {
		for _, each := range group.Rules {
			byName[each.Alert] = each
		}
	}
	asked, wrong := 0, 0
	for _, scene := range tests.Scenes {
		for _, question := range scene.Questions {
			asked++
			fires := firing(byName[question.Alert], scene, time.Duration(question.EvalTime))
			if got, want := told(fires), told(question.Alerts); got != want {
				wrong++
				fmt.Printf("%s at %s:\n  fires    %s\n  expected %s\n", question.Alert, question.EvalTime, got, want)
			}
		}
	}
	fmt.Printf("%d questions, %d wrong\n", asked, wrong)
	if wrong > 0 || asked == 0 {
		os.Exit(1)
	}
}

// firing are the alerts of a rule at a time, evaluated every step from the beginning.
func firing(rule rule, scene scene, at time.Duration) []expected {
	load := "load 1m\n"
	for _, series := range scene.Series {
		load += fmt.Sprintf("  %s %s\n", series.Series, series.Values)
	}
	loader, err := promqltest.NewLazyLoader(load, promqltest.LazyLoaderOpts{})
	check(err)
	defer loader.Close()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute})
	since := map[string]time.Duration{}
	var found []expected
	for now := time.Duration(0); now <= at; now += step {
		moment := time.Unix(0, 0).Add(now)
		loader.WithSamplesTill(moment, func(err error) {
			check(err)
			query, err := engine.NewInstantQuery(loader.Context(), loader.Queryable(), nil, rule.Expr, moment)
			check(err)
			defer query.Close()
			vector, err := query.Exec(loader.Context()).Vector()
			check(err)
			active := map[string]time.Duration{}
			found = nil
			for _, sample := range vector {
				labels := sample.Metric.Map()
				delete(labels, "__name__")
				key := fmt.Sprint(labels)
				active[key] = now
				if begun, ok := since[key]; ok {
					active[key] = begun
				}
				if now-active[key] >= time.Duration(rule.For) {
					found = append(found, alert(rule, labels, sample))
				}
			}
			since = active
		})
	}
	return found
}

func alert(rule rule, labels map[string]string, sample promql.Sample) expected {
	annotations := map[string]string{}
	data := template.AlertTemplateData(labels, nil, "", sample)
	for name, text := range rule.Annotations {
		text = "{{$labels := .Labels}}{{$value := .Value}}" + text
		said, err := template.NewTemplateExpander(context.Background(), text, rule.Alert, data, 0, nil, &url.URL{}, nil).Expand()
		check(err)
		annotations[name] = said
	}
	all := maps.Clone(labels)
	maps.Copy(all, rule.Labels)
	return expected{Labels: all, Annotations: annotations}
}

func told(alerts []expected) string {
	lines := []string{}
	for _, each := range alerts {
		lines = append(lines, fmt.Sprintf("%v %v", each.Labels, each.Annotations))
	}
	slices.Sort(lines)
	return "[" + strings.Join(lines, "; ") + "]"
}

func read(path string, into any) {
	text, err := os.ReadFile(path)
	check(err)
	check(yaml.Unmarshal(text, into))
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(2)
}
